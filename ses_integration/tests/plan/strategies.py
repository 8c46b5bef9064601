"""Generated inputs of compile and plan: domains of every shape, layouts, and ledgers in every state that can come about."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from ses_integration.plan.compile import Layout, compile_domain
from ses_integration.plan.resources import Operation, Presence, RecordedResource, ResourceKind, UnknownOutcome
from ses_integration.plan.spec import AddressSpec, DomainSpec
from ses_integration.tests.plan.model_ses import Key, ModelSes

RULE_CALLS = [Operation.CREATE_RULE, Operation.UPDATE_RULE, Operation.DELETE_RULE]
IDENTITY_CALLS = [Operation.CREATE_IDENTITY, Operation.SET_MAIL_FROM, Operation.DELETE_IDENTITY]
# An operation, whether its doubt is due, and its recipients as bits.
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
# Two labels to as many as fit, long ones, A-labels, and such that end like the name of a rule.
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
def receivings(draw: st.DrawFn, names: st.SearchStrategy[str] = domain_names) -> DomainSpec:
    """Any active addresses in any slots: what is between them is free or inactive."""
    name = draw(names)
    addresses = tuple(AddressSpec(f"a{slot}+x@{name}", slot) for slot in sorted(draw(places)))
    return DomainSpec(name, f"emails/{name}/{draw(st.integers(1, 2))}/", addresses, draw(st.booleans()))


_states = st.sampled_from(["no entry", "sure", "unknown", "wrong"])
_doubts = {
    kind: st.lists(st.tuples(st.sampled_from(operations), st.booleans(), st.integers(0, 7)), max_size=2)
    for kind, operations in ((ResourceKind.RULE, RULE_CALLS), (ResourceKind.IDENTITY, IDENTITY_CALLS))
}
_rules = st.tuples(_states, st.booleans(), st.booleans(), st.integers(0, 7), st.booleans(), _doubts[ResourceKind.RULE])
_identities = st.tuples(
    _states, st.sampled_from([None, "ours", "theirs"]), st.booleans(), st.booleans(), _doubts[ResourceKind.IDENTITY]
)


@st.composite
def ledgers(draw: st.DrawFn, spec: DomainSpec, layout: Layout) -> tuple[dict[Key, RecordedResource], ModelSes]:
    """What is known of a domain, and what SES really holds.

    They differ only where the ledger says so, by an `unknown` or by a doubt of any age. Rules of the layout and of former
    ones, with recipients that were wanted once, and with other actions.
    """
    ses, entries = ModelSes(), {}
    former = (replace(layout, max_recipients=draw(st.integers(1, 3))), replace(layout, rule_prefix="former"))
    candidates = {
        rule.name: rule
        for everything in (True, False)
        for form in (layout, *former)
        for rule in compile_domain(replace(spec, catch_all=everything), form).rules
    }
    anybody = [spec.name, f"former@{spec.name}", *(it.address for it in spec.addresses)][:3]
    for name, rule in sorted(candidates.items()):
        state, there, exists, former_recipients, former_actions, doubtful = draw(_rules)
        if state == "no entry":
            continue
        recipients = frozenset(_chosen(anybody, former_recipients)) or rule.recipients
        rule = replace(rule, recipients=recipients, bucket="former" if former_actions else rule.bucket)
        if there:
            ses.rules[name] = rule
        known = _known(state, there)
        told = known is Presence.PRESENT or (known is Presence.UNKNOWN and there)
        entries[ResourceKind.RULE, name] = RecordedResource(
            ResourceKind.RULE,
            name,
            known,
            # "Surely there" may have been overtaken by a deletion that landed late.
            exists=known is Presence.PRESENT or (known is Presence.UNKNOWN and exists),
            recipients=rule.recipients if told else frozenset(),
            digest=rule.digest if told else "",
            unknown_outcomes=_as_doubts(state, doubtful, anybody),
        )
    if identity := _identity(spec.name, ses, *draw(_identities)):
        entries[identity.kind, identity.name] = identity
    return entries, ses


def _identity(
    name: str, ses: ModelSes, state: str, there: str | None, token: bool, mail_from: bool, doubtful: list[Drawn]
) -> RecordedResource | None:
    ses.identity = there
    if state == "no entry":
        # Whatever we make has an entry before it is made.
        ses.identity = "theirs" if there else None
        return None
    if state == "wrong":
        # Somebody else's does not come and go by calls of ours.
        ses.identity = "ours" if there else None
    known = _known(state, there is not None)
    told = known is Presence.PRESENT
    return RecordedResource(
        ResourceKind.IDENTITY,
        name,
        known,
        exists=told or (known is Presence.UNKNOWN and there is not None),
        ours=ses.identity != "theirs" if told else None,
        has_verification_token=told and token,
        has_mail_from=told and mail_from,
        unknown_outcomes=_as_doubts(state, doubtful, [name]),
    )


def _known(state: str, there: bool) -> Presence:
    if state == "unknown":
        return Presence.UNKNOWN
    return Presence.PRESENT if there != (state == "wrong") else Presence.ABSENT


def _as_doubts(state: str, drawn: list[Drawn], recipients: list[str]) -> tuple[UnknownOutcome, ...]:
    """What is sure may be in doubt all the same; what is wrong must be."""
    drawn = drawn or ([(Operation.CREATE_RULE, False, 0)] if state == "wrong" else [])
    return tuple(UnknownOutcome(operation, due, frozenset(_chosen(recipients, mask))) for operation, due, mask in drawn)


def _chosen(recipients: list[str], mask: int) -> list[str]:
    return [recipient for bit, recipient in enumerate(recipients) if mask >> bit & 1]
