"""The decision where a received email goes. Pure functions.

See docs/architecture/mail.md, "Routing".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from mail.models import ReceivedEmail

Disposition = ReceivedEmail.Disposition
OnVerdict = Literal["quarantine", "deliver", "drop"]


class Matched(StrEnum):
    """What of the domain the recipient has matched."""

    ADDRESS = "address"
    LABEL = "label"
    CATCH_ALL = "catch_all"


class Reason(StrEnum):
    """Why an email is not routed. A routed one has the reason `Matched`."""

    UNKNOWN_RECIPIENT = "unknown_recipient"
    BLOCKED_RECIPIENT = "blocked_recipient"
    VIRUS = "virus"
    SPAM = "spam"
    DMARC_REJECT = "dmarc_reject"
    HISTORY = "history"
    DMARC_REPORT = "dmarc_report"
    ADDRESS_INACTIVE = "address_inactive"
    ADDRESS_DELETED = "address_deleted"
    ADDRESS_WITHOUT_ENDPOINT = "address_without_endpoint"
    NO_ROUTE = "no_route"
    # It is routed all the same: somebody has asked for it.
    REQUESTED = "requested"


@dataclass(frozen=True, slots=True)
class Target:
    """An address or a catch-all that may take the email. `endpoint`: its id, None without one."""

    is_active: bool
    endpoint: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides about one received email.

    `address`: the row of the recipient, `base`: of the same without `+label`, `catch_all`: None if it is off. `is_deleted`: one of
    these two addresses has a tombstone. `is_history`: it was imported, or only a sweep has found it, and it is from before
    this installation received mail, or too old. The verdicts are SES's words.
    """

    recipient: str
    address: Target | None = None
    base: Target | None = None
    catch_all: Target | None = None
    is_blocked: bool = False
    is_deleted: bool = False
    is_history: bool = False
    receives_dmarc: bool = False
    virus: str = ""
    spam: str = ""
    dmarc: str = ""
    dmarc_policy: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do with mail of a bad verdict (the settings MAIL_ON_…)."""

    on_virus: OnVerdict = "quarantine"
    on_spam: OnVerdict = "deliver"
    on_dmarc_reject: OnVerdict = "deliver"


@dataclass(frozen=True, slots=True)
class Route:
    """The decision. `endpoint`: the id of the endpoint that gets the email; None unless it is routed."""

    disposition: ReceivedEmail.Disposition
    reason: str
    matched: Matched | None = None
    endpoint: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The column `ReceivedEmail.route`, and `route` in the API."""
        return {"matched": self.matched, "endpointId": self.endpoint, "reason": self.reason}


def route(facts: Facts, policy: Policy) -> Route:
    """Decide about one received email. The first rule that applies wins."""
    if not facts.recipient:
        return Route(Disposition.STORED, Reason.UNKNOWN_RECIPIENT)
    if facts.is_blocked:
        return Route(Disposition.BLOCKED, Reason.BLOCKED_RECIPIENT)
    return _by_verdict(facts, policy) or (
        Route(Disposition.STORED, Reason.HISTORY) if facts.is_history else by_recipient(facts)
    )


def _by_verdict(facts: Facts, policy: Policy) -> Route | None:
    is_rejected = facts.dmarc == "FAIL" and facts.dmarc_policy.lower() == "reject"
    for applies, what, reason in (
        (facts.virus == "FAIL", policy.on_virus, Reason.VIRUS),
        (facts.spam == "FAIL", policy.on_spam, Reason.SPAM),
        (is_rejected, policy.on_dmarc_reject, Reason.DMARC_REJECT),
    ):
        if applies and what != "deliver":
            return Route(Disposition.BLOCKED if what == "drop" else Disposition.QUARANTINED, reason)
    return None


def by_recipient(facts: Facts) -> Route:
    """Decide by the recipient alone, whatever SES thinks of the mail: somebody has released it."""
    if facts.recipient.startswith("dmarc@") and not facts.receives_dmarc:
        return Route(Disposition.STORED, Reason.DMARC_REPORT)
    # Mail of a paused or deleted address must not reach the catch-all: it would go to somebody whom it is not meant for.
    for matched, target in ((Matched.ADDRESS, facts.address), (Matched.LABEL, facts.base)):
        if target is not None:
            return _to(matched, target)
    if facts.is_deleted:
        return Route(Disposition.STORED, Reason.ADDRESS_DELETED)
    return _to(Matched.CATCH_ALL, facts.catch_all) if facts.catch_all else Route(Disposition.STORED, Reason.NO_ROUTE)


def _to(matched: Matched, target: Target) -> Route:
    if not target.is_active:
        return Route(Disposition.STORED, Reason.ADDRESS_INACTIVE, matched)
    if target.endpoint is None:
        return Route(Disposition.STORED, Reason.ADDRESS_WITHOUT_ENDPOINT, matched)
    return Route(Disposition.ROUTED, matched, matched, target.endpoint)
