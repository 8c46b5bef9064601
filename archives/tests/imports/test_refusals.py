"""`import_domain`: what is refused, and that nothing changes then"""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from archives.tests.format.reading.making import Making
from archives.tests.imports.rows import everything
from domains.deletion.service import delete_domain
from domains.models import Domain
from inbound.tests.support.aws import calls
from inbound.tests.support.factories import UserFactory
from ses_integration.api import shared_deadline
from ses_integration.conf import ses_config
from ses_integration.coordination import quotas
from ses_integration.models import RuleSetState

pytestmark = pytest.mark.usefixtures("ses")


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_a_second_import_is_refused_and_changes_nothing(full, ses, exported, options):
    file = exported()
    ses.clear_journal()
    rows = everything()
    with pytest.raises(CommandError, match=r"has example\.com already\. Import the archive with its mail to add"):
        call_command("import_domain", file, "--owner", full.owner.username, *options)
    assert (everything(), calls(ses)) == (rows, [])


def test_a_name_of_another_account_is_refused(full, ses, exported):
    file, other = exported(), UserFactory()
    ses.clear_journal()
    rows = everything()
    with pytest.raises(CommandError, match=r"example\.com belongs to another account\."):
        call_command("import_domain", file, "--owner", other.username)
    assert (everything(), calls(ses)) == (rows, [])


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_without_room_in_ses_nothing_is_imported(user, ses, given, options):
    quotas.rule_set_state(ses_config())
    RuleSetState.objects.update(foreign_rules=200)
    ses.clear_journal()
    rows = everything()
    with pytest.raises(CommandError, match="SES has no room for another receipt rule"):
        call_command("import_domain", given(Making().bytes()), "--owner", user.username, *options)
    assert (everything(), calls(ses)) == (rows, [])


def test_a_name_that_can_be_restored_is_refused(full, exported, settings):
    file = exported()
    settings.DOMAIN_DELETE_GRACE_DAYS = 7
    with shared_deadline():
        delete_domain(domain=full, requested_by="test")
    with pytest.raises(
        CommandError, match=r"deleted example\.com\. It can be restored until .*`grace_period example\.com --end`"
    ):
        call_command("import_domain", file, "--owner", full.owner.username)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda raw: raw[:-40], "This is no archive of a domain"),
        (lambda raw: raw[:100] + b"\xff" + raw[101:], "changed or damaged|changed, or not written"),
        (lambda raw: raw + b"x", "This is no archive|changed"),
    ],
    ids=["cut off", "changed", "something behind it"],
)
def test_a_bad_file_is_refused_and_changes_nothing(spoil, sentence, user, ses, given):
    rows = everything()
    ses.clear_journal()
    with pytest.raises(CommandError, match=sentence):
        call_command("import_domain", given(spoil(Making().bytes())), "--owner", user.username)
    assert (everything(), ses.journal()) == (rows, [])


def twice(making: Making) -> None:
    making.rows["addresses.jsonl"][1]["address"] = "hello@example.com"


def too_long(making: Making) -> None:
    making.rows["blocked-emails.jsonl"][0]["reason"] = "x" * 501


def odd_label(making: Making) -> None:
    making.domain |= {"mailFromChosen": True, "mailFromLabel": "a.b"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (twice, "addresses.jsonl has hello@example.com twice"),
        (too_long, "blocked-emails.jsonl has a reason that is too long"),
        (odd_label, "domain.json has no mailFromLabel that can be read"),
    ],
)
def test_what_no_export_writes_is_refused(change, sentence, user, given):
    making = Making()
    change(making)
    with pytest.raises(CommandError, match=sentence):
        call_command("import_domain", given(making.bytes()), "--owner", user.username)
    assert not Domain.objects.exists()


def test_a_file_that_cannot_be_read_is_a_sentence(user):
    with pytest.raises(CommandError, match=r"/nowhere\.zip cannot be read: No such file"):
        call_command("import_domain", "/nowhere.zip", "--owner", user.username)
