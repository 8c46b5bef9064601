"""What ses_cleanup prints, and the domains that it accepts."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from domains.deletion.service import delete_domain
from domains.models import DomainDeletion
from domains.tests.cleanup.leftovers import (
    LOOK,
    MAYBE,
    NOTHING,
    REMOVED,
    RETRIED,
    RULE,
    calls,
    create_tagged_identity,
    held,
    put,
    signs,
)
from inbound.tests.support.aws import create_foreign_identity, identities, rules, store_mail, stored_keys
from inbound.tests.support.factories import DomainFactory
from ses_integration.tests.commands.run import apply, run


def test_without_leftovers_it_says_so_and_exits_with_0(ses, live):
    assert apply("ses_cleanup") == (0, NOTHING)
    assert calls(ses) == LOOK


def test_leftovers_are_listed_and_nothing_is_changed(ses, live, lost):
    before, mail = held(ses), stored_keys()
    assert run("ses_cleanup") == (
        2,
        "Orphans in SES, ours and in no ledger:\n"
        "! identity lost.org\n"
        f"! rule {RULE}: a@lost.org\n"
        "\n"
        "Stored mail without a domain:\n"
        f"? {lost}: 1 object, 1 version, 4 bytes. No deletion of it is recorded here, so it may belong to another "
        "installation. If it is yours, run ses_cleanup --apply --domain lost.org\n" + signs(REMOVED, MAYBE),
    )
    assert (held(ses), stored_keys()) == (before, mail)
    assert calls(ses) == [*LOOK, "GetEmailIdentity"]


def test_domain_limits_the_search_to_one_domain(ses, lost):
    create_tagged_identity("other.org", "inbound")
    code, text = apply("ses_cleanup", "--domain", "Lost.org")
    assert (code, text.endswith(f"\n{NOTHING}")) == (0, True)
    assert f"{lost}: 1 of 1 versions erased\n" in text
    assert (rules(ses), identities(ses), stored_keys()) == ({}, {"other.org"}, [])


@pytest.mark.parametrize("apply", [[], ["--apply", "--yes", "--force"]])
def test_an_unknown_domain_is_refused(ses, lost, apply):
    with pytest.raises(CommandError, match=r"Neither this installation nor SES nor the bucket knows of lots\.org"):
        run("ses_cleanup", *apply, "--domain", "lots.org")


def test_a_domain_is_known_if_only_a_foreign_rule_identity_or_mail_has_it(ses, live):
    put("theirs", "x@rule.org", "y@other.net")
    create_foreign_identity("identity.org")
    store_mail("emails/stored.org/mail")
    for name in ("rule.org", "identity.org", "stored.org"):
        assert run("ses_cleanup", "--domain", name)[0] == 0


@pytest.mark.parametrize("name", ["emails/", "org", "", "a b.org"])
def test_an_invalid_domain_is_refused_before_aws_is_called(ses, name):
    with pytest.raises(CommandError, match="not a domain name"):
        run("ses_cleanup", "--domain", name)
    assert ses.journal() == []


def test_pending_domains_and_unfinished_deletions_are_listed(ses, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    delete_domain(domain=DomainFactory(name="gone.org"), requested_by="us")
    record = DomainDeletion.objects.get()
    code, text = run("ses_cleanup")
    assert (code, text) == (
        2,
        "Pending in SES; ses_sync retries now:\n"
        "* gone.org: 2 changes behind.\n"
        "\n"
        "Unfinished deletions; retry_deletion retries now:\n"
        f"* deletion of gone.org ({record.pk}): stored mail\n" + signs(RETRIED),
    )


def test_json_has_every_published_field(ses, lost):
    code, text = run("ses_cleanup", "--json")
    marked = {"recorded": True, "needed": False, "removable": True}
    assert (code, json.loads(text)) == (
        2,
        {
            "orphans": [
                {"kind": "identity", "name": "lost.org", "domain": "lost.org", "recipients": [], **marked},
                {"kind": "rule", "name": RULE, "domain": "lost.org", "recipients": ["a@lost.org"], **marked},
            ],
            "suspects": [],
            "storedMail": [
                {
                    "prefix": lost,
                    "domain": "lost.org",
                    "stored": {"objects": 1, "versions": 1, "bytes": 4},
                    "recorded": False,
                    "rule": "",
                    "owner": "",
                    "removable": False,
                }
            ],
            "lostMail": [],
            "referenceMail": [],
            "former": [],
            "owed": {},
            "deletions": [],
            "notLookedAt": {},
            "nothingLeft": False,
        },
    )


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_counter_and_a_log_does_not(ses, lost):
    for stderr, shown in (
        (Terminal(), "\rLooking at identities: 1/1\n\rLooking at stored mail: 1/1\n"),
        (StringIO(), ""),
    ):
        with pytest.raises(SystemExit):
            call_command("ses_cleanup", stdout=StringIO(), stderr=stderr)
        assert stderr.getvalue() == shown


def test_what_ses_does_not_tell_is_not_looked_at(ses, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    record = delete_domain(domain=DomainFactory(name="gone.org"), requested_by="us")
    ses.add_faults({"service": "ses", "action": "*", "fault": "access_denied", "times": None})
    code, text = run("ses_cleanup")
    assert code == 1
    assert text.index(f"* deletion of gone.org ({record.pk})") < text.index("Not looked at: SES. AWS does not allow")
    assert "Not looked at: stored mail. It can only be told from mail in use if SES answers.\n" in text
    code, text = run("ses_cleanup", "--json")
    assert (code, list(json.loads(text)["notLookedAt"])) == (1, ["SES", "stored mail"])


def test_unfinished_deletions_are_retried_while_ses_does_not_answer(ses, settings):
    settings.SES_REQUEST_BUDGET = 0.0
    record = delete_domain(domain=DomainFactory(name="gone.org"), requested_by="us")
    ses.add_faults(
        {"service": "ses", "action": "DescribeActiveReceiptRuleSet", "fault": "access_denied", "times": None}
    )
    code, text = apply("ses_cleanup")
    assert (code, f"deletion of gone.org ({record.pk}): finished.\n" in text) == (1, True)
