"""What differs, and whose it is: no database, no AWS."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from ses_integration.compiling import Rule, Wanted
from ses_integration.differences import differences
from ses_integration.planning import Doubt, Entry, Kind, Known, Operation
from ses_integration.seen import SeenRule
from ses_integration.unclaimed import looks_like_ours, tags_to_read
from ses_integration.world import Sort, World

DOMAIN, RULE = "example.com", "inbound-example.com-rule"
A, B = "a@example.com", "b@example.com"


def wants(*recipients: str, name: str = RULE) -> Rule:
    return Rule(name, frozenset(recipients), "inbound-mail", "emails/example.com/1/")


def holds(*recipients: str, name: str = RULE, **more) -> SeenRule:
    domain = recipients[0].rpartition("@")[2] if recipients else ""
    places = (f"inbound-mail/emails/{domain}/1/",)
    fields = {"digest": wants("any").digest, "actions": ("S3Action",), "key_prefixes": places, **more}
    return SeenRule(name, frozenset(recipients), **fields)


def knows(*recipients: str, name: str = RULE, known: Known = Known.PRESENT, **more) -> Entry:
    return Entry(Kind.RULE, name, known, recipients=frozenset(recipients), digest=wants("any").digest, **more)


IDENTITY = Entry(Kind.IDENTITY, DOMAIN, Known.PRESENT, ours=True, has_verification_token=True, has_mail_from=True)
EQUAL = World(
    rule_set="inbound-email-rules",
    rule_prefix="inbound",
    bucket="inbound-mail",
    installation="us",
    active="inbound-email-rules",
    rules=(holds(A),),
    identities=frozenset({DOMAIN}),
    wanted={DOMAIN: Wanted(identity=True, rules=(wants(A),))},
    entries={DOMAIN: (IDENTITY, knows(A))},
    was_ours=frozenset({(Kind.RULE, RULE), (Kind.IDENTITY, DOMAIN)}),
)


def found(**changes) -> list[tuple[Sort, str]]:
    return [(it.sort, it.name) for it in differences(replace(EQUAL, **changes))]


def one(**changes):
    [difference] = differences(replace(EQUAL, **changes))
    return difference


def with_foreign(*rules: SeenRule, behind: bool = False) -> dict[str, object]:
    return {"rules": (holds(A), *rules) if behind else (*rules, holds(A))}


def test_nothing_differs():
    assert found() == []


def test_a_rule_that_is_not_there_is_missing_with_its_recipients():
    difference = one(rules=())
    assert (difference.sort, difference.name, difference.added) == (Sort.MISSING, RULE, (A,))


def test_a_rule_that_is_not_wanted_any_more_is_extra_with_its_recipients():
    difference = one(wanted={DOMAIN: Wanted(identity=True)})
    assert (difference.sort, difference.name, difference.removed) == (Sort.EXTRA, RULE, (A,))


def test_other_recipients_are_told_apart():
    difference = one(rules=(holds(B),))
    assert (difference.sort, difference.added, difference.removed) == (Sort.DIFFERENT, (A,), (B,))
    assert difference.why == "other recipients"


def test_other_actions_differ_without_a_change_of_recipients():
    difference = one(rules=(holds(A, digest=""),))
    assert (difference.sort, difference.why, difference.added, difference.removed) == (
        Sort.DIFFERENT,
        "other actions",
        (),
        (),
    )


@pytest.mark.parametrize(
    ("bucket", "configured"), [("", "S3_BUCKET_NAME is missing"), ("other-mail", "S3_BUCKET_NAME is other-mail")]
)
def test_another_bucket_is_named_beside_the_configured_one(bucket, configured):
    moved = Wanted(identity=True, rules=(replace(wants(A), bucket=bucket),))
    difference = one(wanted={DOMAIN: moved})
    assert difference.sort is Sort.DIFFERENT
    assert difference.why == f"other actions: it stores to the bucket inbound-mail, and {configured}"


def test_a_rule_of_ours_that_lost_all_recipients_takes_everybody_s_mail():
    assert one(rules=(holds(digest=""),)).why == "it has no recipients, so it takes the mail of every domain"


def test_a_disabled_rule_is_disabled_whatever_else():
    difference = one(rules=(holds(A, B, enabled=False, digest=""),))
    assert (difference.sort, difference.removed) == (Sort.DISABLED, (B,))


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ((IDENTITY, knows(A, B)), "as wanted; the ledger has it otherwise"),
        ((IDENTITY, knows(known=Known.ABSENT)), "as wanted; the ledger has it otherwise"),
        ((IDENTITY,), "as wanted; the ledger does not have it"),
        ((knows(A),), "there; the ledger does not have it"),
    ],
)
def test_what_is_right_and_not_known_to_be_is_unconfirmed(entries, why):
    difference = one(entries={DOMAIN: entries}, was_ours=frozenset())
    assert (difference.sort, difference.why) == (Sort.UNCONFIRMED, why)


def test_what_an_answer_is_waited_for_is_owed_and_not_unconfirmed():
    doubtful = knows(A, known=Known.UNKNOWN, doubts=(Doubt(Operation.UPDATE_RULE, due=False),))
    assert found(entries={DOMAIN: (IDENTITY, doubtful)}, owed={DOMAIN: "a call got no answer"}) == [(Sort.OWED, DOMAIN)]


def test_what_a_pass_would_still_ask_for_without_a_mark_is_unconfirmed():
    difference = one(entries={DOMAIN: (replace(IDENTITY, has_verification_token=False), knows(A))})
    assert (difference.sort, difference.kind, difference.domain) == (Sort.UNCONFIRMED, "domain", DOMAIN)


def test_an_identity_is_missing():
    assert found(identities=frozenset()) == [(Sort.MISSING, DOMAIN)]


def test_everything_of_a_domain_that_is_gone_is_extra():
    assert found(wanted={}) == [(Sort.EXTRA, DOMAIN), (Sort.EXTRA, RULE)]


def test_an_identity_that_others_made_is_kept_when_nobody_wants_it_any_more():
    kept = replace(IDENTITY, ours=False)
    assert found(wanted={}, rules=(), entries={DOMAIN: (kept,)}) == [(Sort.KEPT, DOMAIN)]


def test_what_the_ledger_still_has_of_a_domain_that_ses_has_forgotten_is_unconfirmed():
    assert found(wanted={}, rules=(), identities=frozenset()) == [(Sort.UNCONFIRMED, DOMAIN), (Sort.UNCONFIRMED, RULE)]


def test_of_a_domain_that_changed_while_ses_was_asked_nothing_is_said():
    assert found(rules=(), identities=frozenset(), moving=frozenset({DOMAIN})) == []


def test_a_rule_that_was_removed_while_ses_was_asked_is_no_orphan():
    assert found(wanted={}, entries={}) == []


class TestOrder:
    def test_behind_a_stop_for_the_same_mail(self):
        rules = with_foreign(holds("example.com", name="theirs", ends=True))
        [difference, foreign] = differences(replace(EQUAL, **rules))
        assert (difference.sort, difference.name) == (Sort.OUT_OF_ORDER, RULE)
        assert (
            difference.why
            == "It stands behind theirs, which takes the same mail first and ends there, with a Stop action."
        )
        assert foreign.sort is Sort.FOREIGN

    def test_behind_a_stop_for_other_mail_it_loses_what_goes_to_both(self):
        rules = with_foreign(holds("x@theirs.org", name="theirs", ends=True))
        assert "ends a mail that goes to both" in differences(replace(EQUAL, **rules))[0].why

    def test_behind_a_function_that_may_end_it_only_if_they_share_mail(self):
        shared = with_foreign(holds("A+news@example.com".lower(), name="theirs", may_end=True))
        assert [sort for sort, _ in found(**shared)] == [Sort.OUT_OF_ORDER, Sort.FOREIGN]
        other = with_foreign(holds("x@theirs.org", name="theirs", may_end=True))
        assert [sort for sort, _ in found(**other)] == [Sort.FOREIGN]

    @pytest.mark.parametrize("more", [{}, {"ends": True, "enabled": False}])
    def test_behind_anything_else_is_as_good(self, more):
        assert [sort for sort, _ in found(**with_foreign(holds(A, name="theirs", **more)))] == [Sort.FOREIGN]

    def test_in_front_is_in_order(self):
        rules = with_foreign(holds(A, name="theirs", ends=True), behind=True)
        assert [sort for sort, _ in found(**rules)] == [Sort.FOREIGN]


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
    difference = one(active=active, rule_set_exists=exists)
    assert difference.sort is Sort.NOT_ACTIVE
    assert tells in difference.why


class TestOrphans:
    LOST = holds("x@lost.org", name="inbound-lost.org-rule")

    def test_our_prefix_in_no_ledger(self):
        assert found(**with_foreign(self.LOST)) == [(Sort.ORPHAN, "inbound-lost.org-rule")]

    def test_its_identity_s_tag_is_read_before_anything_is_claimed(self):
        world = replace(EQUAL, **with_foreign(self.LOST), identities=frozenset({DOMAIN, "lost.org"}))
        assert tags_to_read(world) == ["lost.org"]
        for owner, sort in (("us", Sort.ORPHAN), ("", Sort.ORPHAN), ("them", Sort.FOREIGN)):
            [rule] = [it for it in differences(replace(world, owners={"lost.org": owner})) if it.kind == "rule"]
            assert rule.sort is sort

    def test_a_rule_of_a_live_domain_under_another_name(self):
        hashed = f"inbound-{hashlib.sha256(DOMAIN.encode()).hexdigest()[:16]}-rule"
        assert found(**with_foreign(holds(A, name=hashed))) == [(Sort.ORPHAN, hashed)]

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
        assert found(**with_foreign(holds(*recipients, name=name))) == [(Sort.FOREIGN, name)]

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
        assert found(**with_foreign(rule)) == [(Sort.FOREIGN, "inbound-lost.org-rule")]

    @pytest.mark.parametrize("moving", [frozenset(), frozenset({DOMAIN})])
    def test_it_may_be_needed_while_ours_of_its_domain_is_not_known_to_receive(self, moving):
        orphan = holds(A, name="inbound-example.com-rule-7")
        assert not one(rules=(holds(A), orphan)).needed
        for rules in ((orphan,), (holds(A, enabled=False), orphan), (holds(B), orphan)):
            [*_, last] = differences(replace(EQUAL, rules=rules, moving=moving))
            assert (last.name, last.needed) == (orphan.name, True)

    def test_a_wanted_rule_that_no_ledger_has_is_no_orphan(self):
        assert found(entries={DOMAIN: (IDENTITY,)}, was_ours=frozenset()) == [(Sort.UNCONFIRMED, RULE)]

    def test_an_identity_with_a_mark_and_our_tag(self):
        world = replace(EQUAL, identities=frozenset({DOMAIN, "lost.org"}), marked=frozenset({"lost.org"}))
        assert tags_to_read(world) == ["lost.org"]
        for owner, sort in (("us", Sort.ORPHAN), ("", Sort.FOREIGN), ("us2", Sort.FOREIGN)):
            assert differences(replace(world, owners={"lost.org": owner}))[0].sort is sort

    def test_an_identity_that_we_never_had_to_do_with_is_not_even_asked_about(self):
        world = replace(EQUAL, identities=frozenset({DOMAIN, "theirs.org"}))
        assert tags_to_read(world) == []
        assert differences(world)[0].sort is Sort.FOREIGN


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
    assert (theirs.sort, theirs.takes_from, theirs.drift) == (Sort.FOREIGN, takes_from, bool(takes_from))
    disabled = one(**with_foreign(holds(*recipients, name="theirs", enabled=False)))
    assert (disabled.takes_from, disabled.drift) == ((), False)


class TestReferenceService:
    """`<domain>-rule` and `<domain>-catchall-rule`, with its key prefixes."""

    @staticmethod
    def rule(*recipients: str, kind: str = "", domain: str = DOMAIN, **more) -> SeenRule:
        prefix = f"mail/emails/{domain}/{'catchall/' if kind else ''}"
        more = {"actions": ("S3Action", "LambdaAction"), "key_prefixes": (prefix,), **more}
        return holds(*recipients, name=f"{domain}-{kind}rule", digest="", **more)

    def test_it_can_be_adopted_when_our_rows_receive_all_of_its_mail(self):
        difference = one(**with_foreign(self.rule(A, "a+news@example.com"), behind=True))
        assert (difference.sort, difference.adoptable, difference.to_add) == (Sort.REFERENCE, True, ())

    def test_addresses_that_we_do_not_have_come_first(self):
        difference = one(**with_foreign(self.rule(A, B)))
        assert (difference.adoptable, difference.to_add) == (False, (B,))
        assert difference.why == "its mail would be lost: add these addresses first"

    def test_a_catch_all_needs_ours(self):
        difference = one(**with_foreign(self.rule(DOMAIN, kind="catchall-")))
        assert (difference.adoptable, difference.why) == (
            False,
            "its mail would be lost: switch its catch-all on first",
        )
        catch_all = wants(DOMAIN, name="inbound-example.com-catchall-rule")
        world = {
            "wanted": {DOMAIN: Wanted(identity=True, rules=(catch_all,))},
            "entries": {DOMAIN: (IDENTITY, knows(DOMAIN, name=catch_all.name))},
        }
        for rule in (self.rule(DOMAIN, kind="catchall-"), self.rule(A, B)):
            assert one(rules=(rule, holds(DOMAIN, name=catch_all.name)), **world, was_ours=frozenset()).adoptable

    def test_of_a_domain_that_is_not_ours_it_is_only_shown(self):
        difference = one(**with_foreign(self.rule("x@theirs.org", domain="theirs.org")))
        assert (difference.sort, difference.adoptable) == (Sort.REFERENCE, False)
        assert difference.why == "theirs.org is no domain of ours: add it first"

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
        difference = one(**with_foreign(self.rule(*recipients, **more), behind=True))
        assert (difference.sort, difference.adoptable) == (Sort.FOREIGN, False)
