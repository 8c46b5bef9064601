"""Several imports of the same archive at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from archives.format.names import ENDPOINTS
from archives.imports.mails import ImportedMails
from archives.imports.refusals import EXISTS, CannotImport
from archives.imports.service import existing_domain, import_domain, import_mail, prepare
from archives.tests.format.reading.making import Making
from archives.tests.imports.test_mail import numbered
from domains.models import Domain
from endpoints.models import Endpoint
from inbound.tests.processes.support.checks import desired_rules
from inbound.tests.support.aws import recover_and_run_worker, rules, stored_keys
from inbound.tests.support.factories import UserFactory
from mail.models import Delivery, Message, ReceivedEmail
from mail.tests.postbox import work

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

MAILS = 120


@pytest.fixture
def file(tmp_path):
    making = Making(folders=[[b"Subject: %d\r\n\r\nHello" % number for number in range(MAILS)]], mail=numbered())
    making.rows[ENDPOINTS][0] |= {"type": "email", "config": {"forwardTo": "jo@example.org"}}
    file = tmp_path / "example.zip"
    file.write_bytes(making.bytes())
    return file


def together(file, owners: list[User], *, mail: bool) -> list[Any]:
    """An import for each owner, all at once: what each has returned or was refused with. `mail`: only that."""
    begin = Barrier(len(owners))

    def run(owner: User) -> Any:
        try:
            with file.open("rb") as opened:
                prepared = prepare(opened, owner)
                begin.wait(timeout=60)
                if mail:
                    domain = existing_domain(prepared)
                    assert domain is not None
                    return import_mail(prepared, domain)
                return import_domain(prepared)
        except CannotImport as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(owners)) as threads:
        return list(threads.map(run, owners))


def assert_one_whole_domain() -> Domain:
    domain = Domain.objects.get()
    endpoint = Endpoint.objects.get()
    assert endpoint.owner == domain.owner
    assert set(domain.email_addresses.values_list("address", "endpoint")) == {
        ("hello@example.com", endpoint.pk),
        ("info@example.com", endpoint.pk),
    }
    assert domain.blocked_emails.count() == 1
    return domain


def assert_ses_has_it(ses) -> None:
    recover_and_run_worker(ses)
    assert {name: frozenset(recipients) for name, recipients in rules(ses).items()} == desired_rules()


def test_only_one_of_two_owners_gets_the_domain(ses, file):
    owners = [UserFactory(), UserFactory()]
    answers = together(file, owners, mail=False)
    domain = assert_one_whole_domain()
    refused = [(owner, answer) for owner, answer in zip(owners, answers, strict=True) if owner != domain.owner]
    assert [str(answer).partition(".")[0] for _, answer in refused] == ["Another account has claimed it without proof"]
    assert_ses_has_it(ses)


def test_only_one_of_several_imports_of_an_owner_adds_the_domain(ses, file, user):
    answers = together(file, [user] * 4, mail=False)
    domain = assert_one_whole_domain()
    assert sum(not isinstance(answer, CannotImport) for answer in answers) == 1
    assert {str(answer) for answer in answers if isinstance(answer, CannotImport)} == {
        f"{user} has example.com already. {EXISTS}"
    }
    assert domain.owner == user
    assert_ses_has_it(ses)


def test_two_imports_of_the_same_mail_store_it_once(ses, file, user, settings):
    settings.MAIL_SOURCE, settings.MAIL_SWEEP_GRACE_SECONDS = "sweep", 0
    with file.open("rb") as opened:
        domain = import_domain(prepare(opened, user)).domain
    answers = together(file, [user] * 3, mail=True)
    assert all(isinstance(answer, ImportedMails) and answer.stored + answer.existing == MAILS for answer in answers)
    work(sweep=True)
    ids = [f"ses{number}" for number in range(1, MAILS + 1)]
    assert sorted(Message.objects.values_list("ses_id", flat=True)) == sorted(ids)
    assert set(Message.objects.values_list("state", "source")) == {("ingested", "import")}
    assert sorted(ReceivedEmail.objects.values_list("message__ses_id", "recipient")) == sorted(
        (ses_id, "hello@example.com") for ses_id in ids
    )
    assert sorted(stored_keys()) == sorted(domain.key_prefix + ses_id for ses_id in ids)
    assert not Delivery.objects.exists()
