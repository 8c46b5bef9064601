"""What ses_reconcile and ses_cleanup ask before they change AWS."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError

from ses_integration.models import LedgerEntry
from ses_integration.reconcile.loop import reconcile
from ses_integration.tests.commands.run import run
from ses_integration.tests.support.fake_domains import receive
from ses_integration.tests.support.ses_state import rules

MANY = ("b.org", "c.org", "d.org")


@pytest.fixture
def one_extra(ses, rows):
    """Four domains with a rule each, of which the first has lost its row."""
    for name in ("a.org", *MANY):
        receive("a", domain=name)
        reconcile(name)
    rows.pop("a.org")
    return rows


def test_the_plan_is_shown_and_a_no_changes_nothing(one_extra, answer):
    answer("n")
    code, text = run("ses_reconcile", "--apply")
    assert code == 2
    assert text.startswith("- identity a.org: not wanted any more\n")
    assert text.endswith("\nNothing was done.\n")
    assert len(rules()) == 4


def test_a_yes_carries_it_out(one_extra, answer):
    answer("y")
    assert run("ses_reconcile", "--apply")[0] == 0
    assert set(rules()) == {f"inbound-{name}-rule" for name in MANY}


def test_without_a_terminal_nobody_is_asked(one_extra, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    with pytest.raises(CommandError, match=r"There is nobody to ask\. Give --yes\."):
        run("ses_reconcile", "--apply")
    assert len(rules()) == 4
    assert run("ses_reconcile", "--apply", "--yes")[0] == 0


def test_a_plan_that_removes_more_than_a_third_needs_force(one_extra):
    one_extra.pop("b.org")
    with pytest.raises(CommandError) as refusal:
        run("ses_reconcile", "--apply", "--yes")
    assert str(refusal.value) == (
        "The plan removes 2 of 4 rules, which is more than a third. "
        "Is DATABASE_URL right, and is the database complete? If so, give --force."
    )
    assert len(rules()) == 4
    assert run("ses_reconcile", "--apply", "--yes", "--force")[0] == 0
    assert set(rules()) == {"inbound-c.org-rule", "inbound-d.org-rule"}


def test_identities_count_as_well(one_extra):
    one_extra.pop("b.org")
    LedgerEntry.objects.filter(kind="rule", domain__in=("a.org", "b.org")).delete()
    with pytest.raises(CommandError, match="removes 2 of 4 identities"):
        run("ses_reconcile", "--apply", "--yes")


def test_an_empty_database_removes_nothing_from_ses(one_extra):
    one_extra.clear()
    with pytest.raises(CommandError, match="removes 4 of 4 rules"):
        run("ses_reconcile", "--apply", "--yes")
    assert len(rules()) == 4
