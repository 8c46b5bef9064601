"""`import_domain --with-mail` is killed at every step, one process for each step, and then run again.

Killed, it has left nothing, or the whole configuration, with SES equal to the rows. The second run leaves every mail once, with the
bytes of the archive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User

from archives.format.names import ADDRESSES, BLOCKED, ENDPOINTS
from archives.tests.format.reading.making import TIME, Making
from archives.tests.imports.rows import shown
from domains.models import Domain
from endpoints.models import Endpoint
from inbound.tests.processes.interruptions.test_every_kill import KillSetup
from inbound.tests.processes.support.checks import assert_consistent, pending
from inbound.tests.processes.support.clients import EmulatedAws
from inbound.tests.processes.support.forks import ForkedRun, ForkServer
from inbound.tests.processes.support.stack import Stack
from inbound.tests.support.rotation import Rotation
from mail.models import Delivery, Message, ReceivedEmail
from mail.tests.postbox import work
from ses_integration.aws import clients
from ses_integration.emulator.server import Emulator

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]

BODIES = [b"\x00\xff no mail at all", b"Subject: 2\r\n\r\n" + b"x" * 300_000]
# The archive does not have the bytes of the last one.
FOLDERS: list[list[bytes | None]] = [[BODIES[0]], [BODIES[1], None]]
HASHES = {f"ses{number}": hashlib.sha256(body).hexdigest() for number, body in enumerate(BODIES, 1)}


class ImportSetup(KillSetup):
    """An installation, archives, and imports of them that can be killed."""

    folder: Path

    def archive(self, name: str) -> Path:
        """An archive of a domain of this name, with one endpoint that is new to the owner."""
        making = Making(folders=FOLDERS, mail=numbered(name))
        making.domain["name"] = name
        box: dict[str, Any] = making.rows[ENDPOINTS][0]
        box |= {"id": f"box-{name.partition('.')[0]}", "name": f"Box of {name}", "type": "email"}
        box["config"] = {"forwardTo": "jo@example.org"}
        for row in making.rows[ADDRESSES]:
            row |= {"address": row["address"].replace("example.com", name), "endpointId": box["id"]}
        making.rows[BLOCKED][0]["emailAddress"] = f"spam@{name}"
        file = self.folder / f"{name}.zip"
        file.write_bytes(making.bytes())
        return file

    def run(self, file: Path, kill_at: int | None = None) -> ForkedRun:
        options = ("--owner", self._user.get_username(), "--with-mail")
        return self.forks.command("import_domain", str(file), *options, kill_at=kill_at)


def numbered(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Gives each mail an id of its own, and a recipient of the domain."""
    numbers = iter(range(1, 100))

    def mail(values: dict[str, Any]) -> dict[str, Any]:
        email = values["emails"][0] | {"recipient": f"hello@{name}", "isRead": True, "readAt": TIME}
        return values | {"sesMessageId": f"ses{next(numbers)}", "emails": [email]}

    return mail


@pytest.fixture
def setup(
    stack_with: Callable[..., Stack], ses: Emulator, user: User, tmp_path: Path, settings: Any
) -> Iterator[ImportSetup]:
    settings.MAIL_SOURCE, settings.MAIL_SWEEP_GRACE_SECONDS = "sweep", 0
    patience = {"SES_REQUEST_BUDGET": "60", "SES_CALL_SETTLE_SECONDS": "900"}
    stack = stack_with(AWS_ENDPOINT_URL=ses.url, SES_AUTO_SETUP="false", **patience)
    port = urlsplit(ses.url).port
    assert port is not None
    stack.aws = EmulatedAws(port)
    forks = ForkServer(stack.env, tmp_path / "stack0" / "forks.log")
    # The first run ever writes rows that later runs find.
    forks.worker()
    setup = ImportSetup(stack, forks, user)
    setup.folder = tmp_path
    yield setup
    forks.stop()


def assert_nothing_or_all(setup: ImportSetup, name: str) -> None:
    """What an import has left."""
    assert_consistent(setup.stack)
    domain = Domain.objects.filter(name=name).first()
    assert Endpoint.objects.filter(name=f"Box of {name}").count() == (domain is not None)
    if domain is not None:
        assert shown(domain) == {
            "addresses": [(f"{local}@{name}", True, f"Box of {name}") for local in ("hello", "info")],
            "blocked": [(f"spam@{name}", "")],
            "counts": (2, 2, 1),
            "catch-all": (False, None),
            "settings": (domain.mail_from_label, False, False),
        }


def assert_mail_is_there_once(name: str) -> None:
    """After the mail worker has read everything, and looked through the bucket."""
    domain = Domain.objects.get(name=name)
    messages = Message.objects.filter(domain=domain).order_by("ses_id")
    assert list(messages.values_list("ses_id", "state", "source")) == [
        *[(ses_id, "ingested", "import") for ses_id in HASHES],
        ("ses3", "missing", "import"),
    ]
    emails = ReceivedEmail.objects.filter(domain=domain)
    assert sorted(emails.values_list("message__ses_id", "recipient", "is_read")) == [
        (message.ses_id, f"hello@{name}", True) for message in messages
    ]
    assert hashes(domain.key_prefix) == HASHES
    assert not Delivery.objects.exists()


def hashes(prefix: str) -> dict[str, str]:
    """SHA-256 of each object below the prefix, by the rest of its key."""
    s3 = clients.s3("eu-west-1")
    found = s3.list_objects_v2(Bucket="inbound-mail", Prefix=prefix).get("Contents", [])
    bodies = {item["Key"]: s3.get_object(Bucket="inbound-mail", Key=item["Key"])["Body"].read() for item in found}
    return {key.removeprefix(prefix): hashlib.sha256(body).hexdigest() for key, body in bodies.items()}


def test_wherever_an_import_is_killed_the_next_one_completes_it(
    setup: ImportSetup, subtests: pytest.Subtests, rotation: Rotation
) -> None:
    names = ["counted.org"]
    counted = setup.run(setup.archive("counted.org"))
    # 2: the archive lacks a mail.
    assert counted.status == 2
    assert_nothing_or_all(setup, "counted.org")
    assert sum(step == "after PutObject" for step in counted.steps) == len(BODIES)
    for number, step in enumerate(counted.steps, start=1):
        if not rotation.takes(number):
            continue
        with subtests.test(f"{number}, {step}"):
            name = f"killed-{number}.org"
            file = setup.archive(name)
            assert setup.run(file, number).killed
            setup.finish()
            assert_nothing_or_all(setup, name)
            assert setup.run(file).status in (0, 2)
            assert not pending()
            assert_nothing_or_all(setup, name)
            names.append(name)
    work(sweep=True)
    for name in names:
        assert_mail_is_there_once(name)
