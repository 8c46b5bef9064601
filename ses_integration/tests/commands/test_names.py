"""Commands take names as people type them, and say what is wrong with those that they do not know."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest
from django.core.management import CommandError, execute_from_command_line

from rest.names.arguments import domain_name, domain_or_address
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.reconcile.loop import reconcile
from ses_integration.tests.commands.run import run
from ses_integration.tests.support.fake_domains import DOMAIN, receive
from ses_integration.tests.support.ses_state import rules

BUECHER = "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("example.com.", "example.com"),
        (" Example.COM\n", "example.com"),
        ("\N{NO-BREAK SPACE}example.com", "example.com"),
        ("bücher.example", BUECHER),
        ("Bu\N{COMBINING DIAERESIS}cher.Example", BUECHER),
        ("BÜCHER.EXAMPLE.", BUECHER),
        ("XN--BCHER-KVA.example", BUECHER),
        ("bücher\N{IDEOGRAPHIC FULL STOP}example", BUECHER),
        ("a.b.example.co.uk", "a.b.example.co.uk"),
        ("co.uk", "co.uk"),
    ],
    ids=ascii,
)
def test_a_name_is_understood(typed, name):
    assert domain_name(typed) == name
    assert domain_or_address(typed) == name
    assert domain_or_address(f"Hello+x@{typed.strip()}") == f"hello+x@{name}"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("https://Example.com/", "not a domain name but a URL or a path: give the name alone, example.com"),
        ("example.com/inbox", "not a domain name but a URL or a path: give the name alone, example.com"),
        ("//[", "not a domain name but a URL or a path: give the name alone"),
        ("http://bücher.example:80/x", f"not a domain name but a URL or a path: give the name alone, {BUECHER}"),
        ("me@Example.com", "not a domain name but an email address: give its domain alone, example.com"),
        ("me@", "not a domain name but an email address: give its domain alone"),
        ("", "'' is not a domain name such as example.com"),
        ("'example.com'", "is not a domain name such as example.com"),
        ("*.example.com", "is not a domain name such as example.com"),
        ("example.com:25", "is not a domain name such as example.com"),
        ("example,com", "is not a domain name such as example.com"),
        ("example..com", "is not a domain name such as example.com"),
        ("example", "is not a domain name such as example.com"),
        ("exa mple.com", "is not a domain name such as example.com"),
        ("192.0.2.1", "is not a domain name such as example.com"),
        ("indm_abc", "is not a domain name such as example.com"),
    ],
    ids=lambda value: ascii(value) if isinstance(value, str) else None,
)
def test_what_is_no_name_is_refused_with_a_hint(typed, sentence):
    with pytest.raises(ArgumentTypeError) as error:
        domain_name(typed)
    assert str(error.value).endswith(sentence)


@pytest.mark.parametrize("typed", ["example.com.", " EXAMPLE.com ", "example。com"])
@pytest.mark.parametrize("command", [["ses_sync"], ["ses_reconcile", "--domain"]], ids=lambda words: words[0])
def test_every_spelling_of_a_known_domain_is_found(ses, rows, command, typed):
    receive("a")
    reconcile(DOMAIN)
    assert run(*command, typed)[0] == 0


def test_a_unicode_name_is_found(ses, rows):
    receive("a", domain=BUECHER)
    reconcile(BUECHER)
    assert run("ses_sync", "bücher.example", "Bücher.example.") == (0, f"{BUECHER}: up to date\n")


@pytest.mark.parametrize(
    "command", [["ses_sync"], ["ses_reconcile", "--apply", "--yes", "--domain"]], ids=lambda words: words[0]
)
class TestUnknown:
    def test_a_name_that_is_nowhere_known_is_told_in_canonical_form(self, ses, rows, command):
        with pytest.raises(CommandError, match=r"No such domain, now or in the past: xn--bcher-kva\.example\."):
            run(*command, "bücher.example.")
        assert ses.journal() == []

    def test_a_name_that_is_known_in_another_region_is_told_so(self, ses, rows, command):
        receive("a")
        reconcile(DOMAIN)
        rows.clear()
        for model in (DomainSync, LedgerEntry):
            model.objects.update(region="eu-central-1")
        with pytest.raises(
            CommandError, match=r"example\.com is known only in eu-central-1, rule set inbound-email-rules"
        ):
            run(*command, DOMAIN)

    @pytest.mark.parametrize("typed", ["", "https://example.com/", "me@example.com"])
    def test_what_is_no_name_changes_nothing_and_exits_with_1(self, ses, rows, command, typed, capsys):
        receive("a")
        with pytest.raises(SystemExit) as end:
            execute_from_command_line(["manage.py", *command, typed])
        assert end.value.code == 1
        assert "not a domain name" in capsys.readouterr().err
        assert rules() == {}


def test_a_domain_that_was_never_marked_is_sent(ses, rows):
    receive("a")
    DomainSync.objects.all().delete()
    assert run("ses_sync", DOMAIN) == (0, "example.com: up to date\n")
    assert rules() == {"inbound-example.com-rule": {"a@example.com"}}
