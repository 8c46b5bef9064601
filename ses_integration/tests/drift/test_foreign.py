"""Unmanaged rules and identities: orphans, foreign ones, and those of the reference service."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from ses_integration.aws.observed import ObservedRule
from ses_integration.drift.detect import detect
from ses_integration.drift.foreign import looks_like_ours, tags_to_read
from ses_integration.drift.model import DriftKind
from ses_integration.plan.compile import DesiredState
from ses_integration.tests.drift.inputs import (
    DOMAIN,
    EQUAL,
    IDENTITY,
    RULE,
    A,
    B,
    found,
    holds,
    knows,
    one,
    wants,
    with_foreign,
)


def test_a_rule_that_is_removed_while_ses_is_asked_is_no_orphan():
    assert found(desired={}, entries={}) == []


LOST = holds("x@lost.org", name="inbound-lost.org-rule")


def test_a_rule_with_our_prefix_in_no_ledger_is_an_orphan():
    assert found(**with_foreign(LOST)) == [(DriftKind.ORPHAN, "inbound-lost.org-rule")]


def test_the_identity_tag_decides_whose_rule_it_is():
    drift_input = replace(EQUAL, **with_foreign(LOST), identities=frozenset({DOMAIN, "lost.org"}))
    assert tags_to_read(drift_input) == ["lost.org"]
    for owner, sort in (("us", DriftKind.ORPHAN), ("", DriftKind.ORPHAN), ("them", DriftKind.FOREIGN)):
        [rule] = [
            drift for drift in detect(replace(drift_input, owners={"lost.org": owner})) if drift.resource == "rule"
        ]
        assert rule.kind is sort


def test_a_rule_of_a_live_domain_with_another_name_is_an_orphan():
    hashed = f"inbound-{hashlib.sha256(DOMAIN.encode()).hexdigest()[:16]}-rule"
    assert found(**with_foreign(holds(A, name=hashed))) == [(DriftKind.ORPHAN, hashed)]


@pytest.mark.parametrize(
    ("name", "recipients"),
    [
        ("inbound2-lost.org-rule", ["x@lost.org"]),  # another installation's prefix
        ("inbound-rule", ["x@lost.org"]),
        ("inbound-backup-rule", ["x@lost.org"]),
        ("inbound-lost.org-rule", ["x@lost.org", "x@theirs.org"]),
        ("inbound-lost.org-rule", []),
        ("inbound-lost.org-rule-b", ["x@lost.org"]),
        ("inbound-lostXorg-rule", ["x@lost.org"]),
    ],
)
def test_a_rule_with_a_name_that_we_would_not_give_it_is_foreign(name, recipients):
    assert not looks_like_ours(holds(*recipients, name=name), "inbound", "inbound-mail")
    assert found(**with_foreign(holds(*recipients, name=name))) == [(DriftKind.FOREIGN, name)]


@pytest.mark.parametrize(
    "places",
    [
        (),
        ("their-mail/emails/lost.org/1/",),
        ("inbound-mail/emails/other.org/1/",),
        ("inbound-mail/emails/lost.org/1/", "their-mail/emails/lost.org/1/"),
    ],
)
def test_a_rule_that_stores_where_ours_do_not_is_foreign(places):
    rule = replace(LOST, key_prefixes=places)
    assert tags_to_read(replace(EQUAL, rules=(holds(A), rule), identities=frozenset({DOMAIN, "lost.org"}))) == []
    assert found(**with_foreign(rule)) == [(DriftKind.FOREIGN, "inbound-lost.org-rule")]


@pytest.mark.parametrize("changing", [frozenset(), frozenset({DOMAIN})])
def test_an_orphan_is_needed_while_our_rule_does_not_receive(changing):
    orphan = holds(A, name="inbound-example.com-rule-7")
    assert not one(rules=(holds(A), orphan)).needed
    for rules in ((orphan,), (holds(A, enabled=False), orphan), (holds(B), orphan)):
        [*_, last] = detect(replace(EQUAL, rules=rules, changing=changing))
        assert (last.name, last.needed) == (orphan.name, True)


def test_a_desired_rule_that_no_ledger_has_is_no_orphan():
    assert found(entries={DOMAIN: (IDENTITY,)}, recorded_before=frozenset()) == [(DriftKind.UNCONFIRMED, RULE)]


def test_an_identity_of_a_known_domain_with_our_tag_is_an_orphan():
    drift_input = replace(EQUAL, identities=frozenset({DOMAIN, "lost.org"}), known_domains=frozenset({"lost.org"}))
    assert tags_to_read(drift_input) == ["lost.org"]
    for owner, sort in (("us", DriftKind.ORPHAN), ("", DriftKind.FOREIGN), ("us2", DriftKind.FOREIGN)):
        assert detect(replace(drift_input, owners={"lost.org": owner}))[0].kind is sort


def test_the_tag_of_an_unknown_identity_is_not_read():
    drift_input = replace(EQUAL, identities=frozenset({DOMAIN, "theirs.org"}))
    assert tags_to_read(drift_input) == []
    assert detect(drift_input)[0].kind is DriftKind.FOREIGN


def test_a_foreign_rule_that_takes_all_mail_is_reported_as_such():
    assert one(**with_foreign(holds(name="all"))).takes_everything
    assert not one(**with_foreign(holds(name="all", enabled=False))).takes_everything


@pytest.mark.parametrize(
    ("recipients", "takes_from"),
    [
        ([A, "x@theirs.org"], (DOMAIN,)),
        (["new@example.com"], (DOMAIN,)),
        ([DOMAIN], (DOMAIN,)),
        ([".com"], (DOMAIN,)),
        ([".example.com"], ()),
        (["x@sub.example.com", "x@example.com.org"], ()),
    ],
)
def test_a_foreign_rule_with_recipients_of_our_domains_is_drift(recipients, takes_from):
    theirs = one(**with_foreign(holds(*recipients, name="theirs")))
    assert (theirs.kind, theirs.takes_from, theirs.is_problem) == (DriftKind.FOREIGN, takes_from, bool(takes_from))
    disabled = one(**with_foreign(holds(*recipients, name="theirs", enabled=False)))
    assert (disabled.takes_from, disabled.is_problem) == ((), False)


def reference_rule(*recipients: str, kind: str = "", domain: str = DOMAIN, **more) -> ObservedRule:
    prefix = f"mail/emails/{domain}/{'catchall/' if kind else ''}"
    more = {"actions": ("S3Action", "LambdaAction"), "key_prefixes": (prefix,), **more}
    return holds(*recipients, name=f"{domain}-{kind}rule", digest="", **more)


def test_a_reference_rule_is_adoptable_if_our_rows_receive_all_of_its_mail():
    drift = one(**with_foreign(reference_rule(A, "a+news@example.com"), behind=True))
    assert (drift.kind, drift.adoptable, drift.to_add) == (DriftKind.REFERENCE, True, ())


def test_a_reference_rule_with_missing_addresses_is_not_adoptable():
    drift = one(**with_foreign(reference_rule(A, B)))
    assert (drift.adoptable, drift.to_add) == (False, (B,))
    assert drift.reason == "its mail would be lost: add these addresses first"


def test_a_reference_catch_all_is_adoptable_if_ours_is_on():
    drift = one(**with_foreign(reference_rule(DOMAIN, kind="catchall-")))
    assert (drift.adoptable, drift.reason) == (
        False,
        "its mail would be lost: switch its catch-all on first",
    )
    catch_all = wants(DOMAIN, name="inbound-example.com-catchall-rule")
    drift_input = {
        "desired": {DOMAIN: DesiredState(identity=True, rules=(catch_all,))},
        "entries": {DOMAIN: (IDENTITY, knows(DOMAIN, name=catch_all.name))},
    }
    for rule in (reference_rule(DOMAIN, kind="catchall-"), reference_rule(A, B)):
        assert one(
            rules=(rule, holds(DOMAIN, name=catch_all.name)), **drift_input, recorded_before=frozenset()
        ).adoptable


def test_a_reference_rule_of_an_unknown_domain_is_only_listed():
    drift = one(**with_foreign(reference_rule("x@theirs.org", domain="theirs.org")))
    assert (drift.kind, drift.adoptable) == (DriftKind.REFERENCE, False)
    assert drift.reason == "theirs.org is no domain of ours: add it first"


@pytest.mark.parametrize(
    ("recipients", "more"),
    [
        ([A, "x@theirs.org"], {}),
        ([DOMAIN], {}),
        ([A], {"actions": ("S3Action", "StopAction")}),
        ([A], {"actions": ("LambdaAction",)}),
        ([A], {"actions": ()}),
        ([A], {"may_end": True}),
        ([A], {"key_prefixes": ("mail/archive/",)}),
        ([A], {"key_prefixes": ("mail/emails/example.com/catchall/",)}),
    ],
)
def test_a_rule_that_only_resembles_one_of_the_reference_service_is_foreign(recipients, more):
    drift = one(**with_foreign(reference_rule(*recipients, **more), behind=True))
    assert (drift.kind, drift.adoptable) == (DriftKind.FOREIGN, False)
