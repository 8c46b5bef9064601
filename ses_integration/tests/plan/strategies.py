"""Hypothesis strategies for the planner: domains of every shape, layouts, and ledgers in every possible state."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from ses_integration.plan.compile import Layout, compile_domain
from ses_integration.plan.resources import Operation, Presence, RecordedResource, ResourceKind, UnknownOutcome
from ses_integration.plan.spec import AddressSpec, DomainSpec
from ses_integration.tests.plan.model_ses import Key, ModelSes

RULE_CALLS = [Operation.CREATE_RULE, Operation.UPDATE_RULE, Operation.DELETE_RULE]
IDENTITY_CALLS = [Operation.CREATE_IDENTITY, Operation.SET_MAIL_FROM, Operation.DELETE_IDENTITY]
# An operation, whether it is due, and its recipients as bits.
Drawn = tuple[Operation, bool, int]

_labels = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?", fullmatch=True),
    st.sampled_from(
        ["a" * 63, "xn--bcher-kva", "xn--p1ai", "x-rule", "x-rule-2", "x-catchall", "x-catchall-rule", "0"]
    ),
)
_top_labels = st.sampled_from(["com", "org", "museum", "xn--p1ai", "xn--vermgensberatung-pwb"])
_stems = st.one_of(
    st.lists(_labels, min_size=1, max_size=3).map(".".join),
    st.sampled_from([".".join(["a"] * 110), ".".join(["a" * 63] * 3), "a" * 40, "a" * 41, "a" * 47, "a" * 48]),
)
# Names of two to many labels, long labels, A-labels, and names that end like the name of a rule.
domain_names = st.tuples(_stems, _top_labels).map(".".join)
layouts = st.builds(
    Layout,
    rule_prefix=st.sampled_from(["inbound", "i", "0123456789abcdef"]),
    bucket=st.sampled_from(["mail", "other"]),
    topic_arn=st.sampled_from(["", "arn:aws:sns:eu-west-1:1:t"]),
    function_arn=st.sampled_from(["", "arn:aws:lambda:eu-west-1:1:function:f"]),
    max_recipients=st.sampled_from([1, 2, 3, 500]),
)
places = st.frozensets(st.integers(0, 6), max_size=5)


@st.composite
def specs(draw: st.DrawFn, names: st.SearchStrategy[str] = domain_names) -> DomainSpec:
    """Any active addresses in any slots; the slots between them are free or belong to inactive addresses."""
    name = draw(names)
    addresses = tuple(AddressSpec(f"a{slot}+x@{name}", slot) for slot in sorted(draw(places)))
    return DomainSpec(name, f"emails/{name}/{draw(st.integers(1, 2))}/", addresses, draw(st.booleans()), inactive=())


_states = st.sampled_from(["no entry", "right", "unknown", "wrong"])
_outcomes = {
    kind: st.lists(st.tuples(st.sampled_from(operations), st.booleans(), st.integers(0, 7)), max_size=2)
    for kind, operations in ((ResourceKind.RULE, RULE_CALLS), (ResourceKind.IDENTITY, IDENTITY_CALLS))
}
_rules = st.tuples(
    _states, st.booleans(), st.booleans(), st.integers(0, 7), st.booleans(), _outcomes[ResourceKind.RULE]
)
_identities = st.tuples(
    _states, st.sampled_from([None, "ours", "theirs"]), st.booleans(), st.booleans(), _outcomes[ResourceKind.IDENTITY]
)


@st.composite
def ledgers(draw: st.DrawFn, spec: DomainSpec, layout: Layout) -> tuple[dict[Key, RecordedResource], ModelSes]:
    """The ledger of a domain, and what SES really holds.

    They differ only where the ledger says so: by `unknown`, or by a call without an answer. Rules are those of this layout and
    of previous ones, with current or previous recipients and actions.
    """
    ses, entries = ModelSes(), {}
    previous = (replace(layout, max_recipients=draw(st.integers(1, 3))), replace(layout, rule_prefix="previous"))
    candidates = {
        rule.name: rule
        for everything in (True, False)
        for form in (layout, *previous)
        for rule in compile_domain(replace(spec, catch_all=everything), form).rules
    }
    anybody = [spec.name, f"previous@{spec.name}", *(address.address for address in spec.addresses)][:3]
    for name, rule in sorted(candidates.items()):
        state, there, exists, previous_recipients, previous_actions, outcomes = draw(_rules)
        if state == "no entry":
            continue
        recipients = frozenset(_chosen(anybody, previous_recipients)) or rule.recipients
        rule = replace(rule, recipients=recipients, bucket="previous" if previous_actions else rule.bucket)
        if there:
            ses.rules[name] = rule
        known = _known(state, there)
        has_contents = known is Presence.PRESENT or (known is Presence.UNKNOWN and there)
        entries[ResourceKind.RULE, name] = RecordedResource(
            ResourceKind.RULE,
            name,
            known,
            # Even so, a late delete may have removed it.
            exists=known is Presence.PRESENT or (known is Presence.UNKNOWN and exists),
            recipients=rule.recipients if has_contents else frozenset(),
            digest=rule.digest if has_contents else "",
            unknown_outcomes=_as_outcomes(state, outcomes, anybody),
        )
    if identity := _identity(spec.name, ses, *draw(_identities)):
        entries[identity.kind, identity.name] = identity
    return entries, ses


def _identity(
    name: str, ses: ModelSes, state: str, there: str | None, token: bool, mail_from: bool, outcomes: list[Drawn]
) -> RecordedResource | None:
    ses.identity = there
    if state == "no entry":
        # Everything that we create has an entry before.
        ses.identity = "theirs" if there else None
        return None
    if state == "wrong":
        # The identity of somebody else does not come and go by our calls.
        ses.identity = "ours" if there else None
    known = _known(state, there is not None)
    has_contents = known is Presence.PRESENT
    return RecordedResource(
        ResourceKind.IDENTITY,
        name,
        known,
        exists=has_contents or (known is Presence.UNKNOWN and there is not None),
        ours=ses.identity != "theirs" if has_contents else None,
        has_verification_token=has_contents and token,
        mail_from=f"mail.{name}" if has_contents and mail_from else "",
        unknown_outcomes=_as_outcomes(state, outcomes, [name]),
    )


def _known(state: str, there: bool) -> Presence:
    if state == "unknown":
        return Presence.UNKNOWN
    return Presence.PRESENT if there != (state == "wrong") else Presence.ABSENT


def _as_outcomes(state: str, drawn: list[Drawn], recipients: list[str]) -> tuple[UnknownOutcome, ...]:
    """Unknown outcomes of an entry. A wrong entry has at least one."""
    drawn = drawn or ([(Operation.CREATE_RULE, False, 0)] if state == "wrong" else [])
    return tuple(UnknownOutcome(operation, due, frozenset(_chosen(recipients, mask))) for operation, due, mask in drawn)


def _chosen(recipients: list[str], mask: int) -> list[str]:
    return [recipient for bit, recipient in enumerate(recipients) if mask >> bit & 1]
