"""ses_reconcile in a region or rule set that was never used."""

from __future__ import annotations

import pytest
from django.core.management import CommandError

from ses_integration.conf import ses_config
from ses_integration.models import LedgerEntry, LedgerIdentity
from ses_integration.setup.prepare import prepare
from ses_integration.tests.commands.reconcile.receipt_rules import EQUAL, SET
from ses_integration.tests.commands.run import apply, run
from ses_integration.tests.support.fake_domains import DOMAIN

pytestmark = pytest.mark.usefixtures("rows")


@pytest.fixture(params=["region", "rule set"])
def elsewhere(ses_with_a, request, settings):
    """What it says of where all of it is, and of where it is not."""
    if request.param == "region":
        settings.AWS_REGION = "eu-central-1"
    else:
        settings.SES_RULE_SET = "new-rules"
    prepare(ses_config(), take_over=True)
    ses_with_a.clear_journal()
    return f"{settings.AWS_REGION}, rule set {settings.SES_RULE_SET}", f"eu-west-1, rule set {SET}"


def test_the_first_line_asks_whether_the_region_is_right(elsewhere):
    here, there = elsewhere
    code, text = run("ses_reconcile", "--domain", DOMAIN)
    assert code == 2
    assert text.startswith(
        f"! ledger of {there}: it has 2 more: is AWS_REGION right? If it was changed, see ses_cleanup.\n+"
    )
    assert text.endswith(f"inbound has never used {here}, but {there}: set AWS_REGION and SES_RULE_SET to that.\n")


@pytest.mark.parametrize("change", ["--apply", "--adopt"])
def test_it_refuses_to_create_everything_a_second_time(ses_with_a, elsewhere, change):
    here, there = elsewhere
    with pytest.raises(CommandError) as refusal:
        run("ses_reconcile", change)
    assert str(refusal.value) == (
        f"inbound has never used {here}, but {there}: set AWS_REGION and SES_RULE_SET to that. "
        "If they were changed on purpose, give --new-region."
    )
    assert ses_with_a.journal() == []
    assert not LedgerEntry.objects.of(ses_config()).exists()


def test_new_region_confirms_the_move(ses_with_a, elsewhere):
    _, there = elsewhere
    code, text = apply("ses_reconcile", "--new-region")
    assert f"1/1 {DOMAIN}: up to date" in text
    # What was left behind is still to be removed.
    assert (code, text.count(f"! ledger of {there}: it has")) == (2, 2)
    assert LedgerEntry.objects.of(ses_config()).filter(kind="rule", presence="present").count() == 1
    assert apply("ses_reconcile")[0] == 2


def test_foreign_identities_of_another_region_do_not_count(ses_with_a, settings):
    LedgerIdentity.objects.update(ours=False)
    LedgerEntry.objects.filter(kind="rule").delete()
    LedgerEntry.objects.update(region="eu-central-1")
    apply("ses_reconcile")
    assert run("ses_reconcile") == (0, EQUAL)
