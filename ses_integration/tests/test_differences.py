"""What differs, and whose it is: no database, no AWS."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from ses_integration.aws.observed import ObservedRule
from ses_integration.drift.detect import detect
from ses_integration.drift.foreign import looks_like_ours, tags_to_read
from ses_integration.drift.model import DriftInput, DriftKind
from ses_integration.plan.compile import DesiredState, Rule
from ses_integration.plan.resources import Operation, Presence, RecordedResource, ResourceKind, UnknownOutcome

DOMAIN, RULE = "example.com", "inbound-example.com-rule"
A, B = "a@example.com", "b@example.com"


def wants(*recipients: str, name: str = RULE) -> Rule:
    return Rule(name, frozenset(recipients), "inbound-mail", "emails/example.com/1/")


def holds(*recipients: str, name: str = RULE, **more) -> ObservedRule:
    domain = recipients[0].rpartition("@")[2] if recipients else ""
    places = (f"inbound-mail/emails/{domain}/1/",)
    fields = {"digest": wants("any").digest, "actions": ("S3Action",), "key_prefixes": places, **more}
    return ObservedRule(name, frozenset(recipients), **fields)


def knows(*recipients: str, name: str = RULE, presence: Presence = Presence.PRESENT, **more) -> RecordedResource:
    return RecordedResource(
        ResourceKind.RULE, name, presence, recipients=frozenset(recipients), digest=wants("any").digest, **more
    )


IDENTITY = RecordedResource(
    ResourceKind.IDENTITY, DOMAIN, Presence.PRESENT, ours=True, has_verification_token=True, has_mail_from=True
)
EQUAL = DriftInput(
    rule_set="inbound-email-rules",
    rule_prefix="inbound",
    bucket="inbound-mail",
    installation="us",
    active="inbound-email-rules",
    rules=(holds(A),),
    identities=frozenset({DOMAIN}),
    desired={DOMAIN: DesiredState(identity=True, rules=(wants(A),))},
    entries={DOMAIN: (IDENTITY, knows(A))},
    recorded_before=frozenset({(ResourceKind.RULE, RULE), (ResourceKind.IDENTITY, DOMAIN)}),
)


def found(**changes) -> list[tuple[DriftKind, str]]:
    return [(it.kind, it.name) for it in detect(replace(EQUAL, **changes))]


def one(**changes):
    [drift] = detect(replace(EQUAL, **changes))
    return drift


def with_foreign(*rules: ObservedRule, behind: bool = False) -> dict[str, object]:
    return {"rules": (holds(A), *rules) if behind else (*rules, holds(A))}


def test_nothing_differs():
    assert found() == []


def test_a_rule_that_is_not_there_is_missing_with_its_recipients():
    drift = one(rules=())
    assert (drift.kind, drift.name, drift.added) == (DriftKind.MISSING, RULE, (A,))


def test_a_rule_that_is_not_wanted_any_more_is_extra_with_its_recipients():
    drift = one(desired={DOMAIN: DesiredState(identity=True)})
    assert (drift.kind, drift.name, drift.removed) == (DriftKind.EXTRA, RULE, (A,))


def test_other_recipients_are_told_apart():
    drift = one(rules=(holds(B),))
    assert (drift.kind, drift.added, drift.removed) == (DriftKind.DIFFERENT, (A,), (B,))
    assert drift.reason == "other recipients"


def test_other_actions_differ_without_a_change_of_recipients():
    drift = one(rules=(holds(A, digest=""),))
    assert (drift.kind, drift.reason, drift.added, drift.removed) == (
        DriftKind.DIFFERENT,
        "other actions",
        (),
        (),
    )


@pytest.mark.parametrize(
    ("bucket", "configured"), [("", "S3_BUCKET_NAME is missing"), ("other-mail", "S3_BUCKET_NAME is other-mail")]
)
def test_another_bucket_is_named_beside_the_configured_one(bucket, configured):
    moved = DesiredState(identity=True, rules=(replace(wants(A), bucket=bucket),))
    drift = one(desired={DOMAIN: moved})
    assert drift.kind is DriftKind.DIFFERENT
    assert drift.reason == f"other actions: it stores to the bucket inbound-mail, and {configured}"


def test_a_rule_of_ours_that_lost_all_recipients_takes_everybody_s_mail():
    assert one(rules=(holds(digest=""),)).reason == "it has no recipients, so it takes the mail of every domain"


def test_a_disabled_rule_is_disabled_whatever_else():
    drift = one(rules=(holds(A, B, enabled=False, digest=""),))
    assert (drift.kind, drift.removed) == (DriftKind.DISABLED, (B,))


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ((IDENTITY, knows(A, B)), "as wanted; the ledger has it otherwise"),
        ((IDENTITY, knows(presence=Presence.ABSENT)), "as wanted; the ledger has it otherwise"),
        ((IDENTITY,), "as wanted; the ledger does not have it"),
        ((knows(A),), "there; the ledger does not have it"),
    ],
)
def test_what_is_right_and_not_known_to_be_is_unconfirmed(entries, why):
    drift = one(entries={DOMAIN: entries}, recorded_before=frozenset())
    assert (drift.kind, drift.reason) == (DriftKind.UNCONFIRMED, why)


def test_what_an_answer_is_waited_for_is_owed_and_not_unconfirmed():
    doubtful = knows(A, presence=Presence.UNKNOWN, unknown_outcomes=(UnknownOutcome(Operation.UPDATE_RULE, due=False),))
    assert found(entries={DOMAIN: (IDENTITY, doubtful)}, pending={DOMAIN: "a call got no answer"}) == [
        (DriftKind.PENDING, DOMAIN)
    ]


def test_what_a_pass_would_still_ask_for_without_a_mark_is_unconfirmed():
    drift = one(entries={DOMAIN: (replace(IDENTITY, has_verification_token=False), knows(A))})
    assert (drift.kind, drift.resource, drift.domain) == (DriftKind.UNCONFIRMED, "domain", DOMAIN)


def test_an_identity_is_missing():
    assert found(identities=frozenset()) == [(DriftKind.MISSING, DOMAIN)]


def test_everything_of_a_domain_that_is_gone_is_extra():
    assert found(desired={}) == [(DriftKind.EXTRA, DOMAIN), (DriftKind.EXTRA, RULE)]


def test_an_identity_that_others_made_is_kept_when_nobody_wants_it_any_more():
    kept = replace(IDENTITY, ours=False)
    assert found(desired={}, rules=(), entries={DOMAIN: (kept,)}) == [(DriftKind.KEPT, DOMAIN)]


def test_what_the_ledger_still_has_of_a_domain_that_ses_has_forgotten_is_unconfirmed():
    assert found(desired={}, rules=(), identities=frozenset()) == [
        (DriftKind.UNCONFIRMED, DOMAIN),
        (DriftKind.UNCONFIRMED, RULE),
    ]


def test_of_a_domain_that_changed_while_ses_was_asked_nothing_is_said():
    assert found(rules=(), identities=frozenset(), changing=frozenset({DOMAIN})) == []


def test_a_rule_that_was_removed_while_ses_was_asked_is_no_orphan():
    assert found(desired={}, entries={}) == []


class TestOrder:
    def test_behind_a_stop_for_the_same_mail(self):
        rules = with_foreign(holds("example.com", name="theirs", ends=True))
        [drift, foreign] = detect(replace(EQUAL, **rules))
        assert (drift.kind, drift.name) == (DriftKind.OUT_OF_ORDER, RULE)
        assert (
            drift.reason
            == "It stands behind theirs, which takes the same mail first and ends there, with a Stop action."
        )
        assert foreign.kind is DriftKind.FOREIGN

    def test_behind_a_stop_for_other_mail_it_loses_what_goes_to_both(self):
        rules = with_foreign(holds("x@theirs.org", name="theirs", ends=True))
        assert "ends a mail that goes to both" in detect(replace(EQUAL, **rules))[0].reason

    def test_behind_a_function_that_may_end_it_only_if_they_share_mail(self):
        shared = with_foreign(holds("A+news@example.com".lower(), name="theirs", may_end=True))
        assert [sort for sort, _ in found(**shared)] == [DriftKind.OUT_OF_ORDER, DriftKind.FOREIGN]
        other = with_foreign(holds("x@theirs.org", name="theirs", may_end=True))
        assert [sort for sort, _ in found(**other)] == [DriftKind.FOREIGN]

    @pytest.mark.parametrize("more", [{}, {"ends": True, "enabled": False}])
    def test_behind_anything_else_is_as_good(self, more):
        assert [sort for sort, _ in found(**with_foreign(holds(A, name="theirs", **more)))] == [DriftKind.FOREIGN]

    def test_in_front_is_in_order(self):
        rules = with_foreign(holds(A, name="theirs", ends=True), behind=True)
        assert [sort for sort, _ in found(**rules)] == [DriftKind.FOREIGN]


@pytest.mark.parametrize(
    ("active", "exists", "tells"),
    [
        ("", True, "run ses_setup."),
        ("theirs", True, "theirs is active and receives the mail: run ses_setup --take-over"),
        ("", False, "It does not exist: run ses_setup."),
        ("theirs", False, "It does not exist, and theirs is active: run ses_setup --take-over"),
    ],
)
def test_a_set_that_receives_nothing_says_what_to_run(active, exists, tells):
    drift = one(active=active, rule_set_exists=exists)
    assert drift.kind is DriftKind.NOT_ACTIVE
    assert tells in drift.reason


class TestOrphans:
    LOST = holds("x@lost.org", name="inbound-lost.org-rule")

    def test_our_prefix_in_no_ledger(self):
        assert found(**with_foreign(self.LOST)) == [(DriftKind.ORPHAN, "inbound-lost.org-rule")]

    def test_its_identity_s_tag_is_read_before_anything_is_claimed(self):
        drift_input = replace(EQUAL, **with_foreign(self.LOST), identities=frozenset({DOMAIN, "lost.org"}))
        assert tags_to_read(drift_input) == ["lost.org"]
        for owner, sort in (("us", DriftKind.ORPHAN), ("", DriftKind.ORPHAN), ("them", DriftKind.FOREIGN)):
            [rule] = [it for it in detect(replace(drift_input, owners={"lost.org": owner})) if it.resource == "rule"]
            assert rule.kind is sort

    def test_a_rule_of_a_live_domain_under_another_name(self):
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
    def test_what_is_not_named_as_we_name_a_rule_for_its_recipients_is_foreign(self, name, recipients):
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
    def test_what_stores_where_no_rule_of_ours_does_is_foreign(self, places):
        rule = replace(self.LOST, key_prefixes=places)
        assert tags_to_read(replace(EQUAL, rules=(holds(A), rule), identities=frozenset({DOMAIN, "lost.org"}))) == []
        assert found(**with_foreign(rule)) == [(DriftKind.FOREIGN, "inbound-lost.org-rule")]

    @pytest.mark.parametrize("changing", [frozenset(), frozenset({DOMAIN})])
    def test_it_may_be_needed_while_ours_of_its_domain_is_not_known_to_receive(self, changing):
        orphan = holds(A, name="inbound-example.com-rule-7")
        assert not one(rules=(holds(A), orphan)).needed
        for rules in ((orphan,), (holds(A, enabled=False), orphan), (holds(B), orphan)):
            [*_, last] = detect(replace(EQUAL, rules=rules, changing=changing))
            assert (last.name, last.needed) == (orphan.name, True)

    def test_a_wanted_rule_that_no_ledger_has_is_no_orphan(self):
        assert found(entries={DOMAIN: (IDENTITY,)}, recorded_before=frozenset()) == [(DriftKind.UNCONFIRMED, RULE)]

    def test_an_identity_with_a_mark_and_our_tag(self):
        drift_input = replace(EQUAL, identities=frozenset({DOMAIN, "lost.org"}), known_domains=frozenset({"lost.org"}))
        assert tags_to_read(drift_input) == ["lost.org"]
        for owner, sort in (("us", DriftKind.ORPHAN), ("", DriftKind.FOREIGN), ("us2", DriftKind.FOREIGN)):
            assert detect(replace(drift_input, owners={"lost.org": owner}))[0].kind is sort

    def test_an_identity_that_we_never_had_to_do_with_is_not_even_asked_about(self):
        drift_input = replace(EQUAL, identities=frozenset({DOMAIN, "theirs.org"}))
        assert tags_to_read(drift_input) == []
        assert detect(drift_input)[0].kind is DriftKind.FOREIGN


def test_a_foreign_rule_that_takes_everybody_s_mail_is_marked():
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


class TestReferenceService:
    """`<domain>-rule` and `<domain>-catchall-rule`, with its key prefixes."""

    @staticmethod
    def rule(*recipients: str, kind: str = "", domain: str = DOMAIN, **more) -> ObservedRule:
        prefix = f"mail/emails/{domain}/{'catchall/' if kind else ''}"
        more = {"actions": ("S3Action", "LambdaAction"), "key_prefixes": (prefix,), **more}
        return holds(*recipients, name=f"{domain}-{kind}rule", digest="", **more)

    def test_it_can_be_adopted_when_our_rows_receive_all_of_its_mail(self):
        drift = one(**with_foreign(self.rule(A, "a+news@example.com"), behind=True))
        assert (drift.kind, drift.adoptable, drift.to_add) == (DriftKind.REFERENCE, True, ())

    def test_addresses_that_we_do_not_have_come_first(self):
        drift = one(**with_foreign(self.rule(A, B)))
        assert (drift.adoptable, drift.to_add) == (False, (B,))
        assert drift.reason == "its mail would be lost: add these addresses first"

    def test_a_catch_all_needs_ours(self):
        drift = one(**with_foreign(self.rule(DOMAIN, kind="catchall-")))
        assert (drift.adoptable, drift.reason) == (
            False,
            "its mail would be lost: switch its catch-all on first",
        )
        catch_all = wants(DOMAIN, name="inbound-example.com-catchall-rule")
        drift_input = {
            "desired": {DOMAIN: DesiredState(identity=True, rules=(catch_all,))},
            "entries": {DOMAIN: (IDENTITY, knows(DOMAIN, name=catch_all.name))},
        }
        for rule in (self.rule(DOMAIN, kind="catchall-"), self.rule(A, B)):
            assert one(
                rules=(rule, holds(DOMAIN, name=catch_all.name)), **drift_input, recorded_before=frozenset()
            ).adoptable

    def test_of_a_domain_that_is_not_ours_it_is_only_shown(self):
        drift = one(**with_foreign(self.rule("x@theirs.org", domain="theirs.org")))
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
    def test_what_does_not_fit_is_foreign(self, recipients, more):
        drift = one(**with_foreign(self.rule(*recipients, **more), behind=True))
        assert (drift.kind, drift.adoptable) == (DriftKind.FOREIGN, False)
