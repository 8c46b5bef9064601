"""Every command that writes adds to the audit log."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest
from axes.models import AccessAttempt
from django.core.management import call_command, get_commands

from archives.tests.format.reading.making import Making
from audit.models import Change
from audit.origin import acting, of_command
from domains.models import Domain
from inbound.tests.audit.test_every_route import Rows, in_grace, rows
from inbound.tests.support.aws import remove_rule, store_mail
from inbound.tests.support.factories import DeletedAddressFactory
from mail.models import Delivery

__all__ = ["rows"]

# Commands that write nothing that people own, and why.
OTHERS = {
    "aws_emulator": "is no part of the installation",
    "demo": "starts processes, which record for themselves",
    "domain_dns": "only reads",
    "generateschema": "only reads",
    "mail_show": "only reads",
    "mail_status": "only reads",
    "plan_delete": "only reads",
    "send_test_mail": "sends a mail, as anybody could",
    "ses_doctor": "removes what it creates for a moment",
    "ses_rules": "only reads",
    "ses_status": "only reads",
    "list_api_keys": "only reads",
    "list_deleted_addresses": "only reads",
    "list_deletions": "only reads",
    "list_domains": "only reads",
    "show_deletion": "only reads",
    "spectacular": "is of the package that describes the API",
    # As doors of their own: `test_workers.py`.
    "mail_worker": "acts as a worker",
    "ses_worker": "acts as a worker",
}
# Of part E, tested with its command: they call the services that the API calls.
THROUGH_SERVICES = {"delete_domain", "delete_address", "revoke_api_key", "retry_deletion", "unlock_login"}


def lose_a_rule(rows: Rows) -> list[str]:
    remove_rule(f"inbound-{rows.domain.name}-rule")
    return ["--apply", "--yes"]


def wrong_password(name: str) -> list[str]:
    AccessAttempt.objects.create(username=name, ip_address="192.0.2.1", failures_since_start=1)
    return [name]


def leave_mail(rows: Rows) -> list[str]:
    store_mail(f"emails/example.net/{Domain().pk}/1")
    return ["--apply", "--domain", "example.net", "--yes"]


def archive_file() -> str:
    file = Path(mkdtemp()) / "archive.zip"
    making = Making()
    making.domain["name"] = "imported.org"
    for name, member in (("addresses.jsonl", "address"), ("blocked-emails.jsonl", "emailAddress")):
        for values in making.rows[name]:
            values[member] = values[member].replace("example.com", "imported.org")
    file.write_bytes(making.bytes())
    return str(file)


WRITES: dict[str, tuple[Callable[[Rows], list[str]], str]] = {
    "export_domain": (lambda rows: [rows.domain.name, "--to", f"{mkdtemp()}/archive.zip"], "exported"),
    "import_domain": (lambda rows: [archive_file(), "--owner", rows.domain.owner.username], "imported"),
    "create_api_key": (lambda rows: [rows.domain.owner.username, "--name", "CI"], "added"),
    "restore_address": (lambda rows: [DeletedAddressFactory(domain=rows.domain).address], "restored"),
    "address_grace_period": (lambda rows: [DeletedAddressFactory(domain=rows.domain).address, "--end"], "ended"),
    "lift_address": (lambda rows: [DeletedAddressFactory(domain=rows.domain).address, "--yes"], "lifted"),
    "reseal_secrets": (lambda rows: [], "resealed"),
    "unlock_sign_in": (lambda rows: wrong_password("alice"), "unlocked"),
    "restore_domain": (lambda rows: [in_grace(rows).pk], "restored"),
    "grace_period": (lambda rows: [in_grace(rows).name, "--extend", "1"], "extended"),
    "mail_retry": (lambda rows: [rows.delivery.pk, "--yes"], "retried"),
    "share_domain": (lambda rows: [rows.domain.name, rows.other.username, "--role", "viewer"], "added"),
    "ses_sync": (lambda rows: [rows.domain.name], "pushed"),
    "ses_setup": (lambda rows: ["--mail"], "set up"),
    "ses_reconcile": (lose_a_rule, "repaired"),
    "ses_cleanup": (leave_mail, "erased"),
}


def test_every_command_is_here():
    ours = {name for name, app in get_commands().items() if not str(app).startswith(("django", "axes"))}
    assert ours - set(OTHERS) - THROUGH_SERVICES == set(WRITES)


@pytest.mark.parametrize("command", WRITES)
def test_a_writing_command_is_recorded(command, rows, capsys):
    arguments, action = WRITES[command]
    Delivery.objects.update(state=Delivery.State.DEAD)
    given = arguments(rows)
    last = Change.objects.latest("pk").pk
    # Exit code 2: something is left.
    with acting(of_command(command)), suppress(SystemExit):
        call_command(command, *given)
    changes = Change.objects.filter(pk__gt=last)
    assert action in {change.action for change in changes}, capsys.readouterr().out
    assert {(change.door, change.via) for change in changes} == {("command", command)}
