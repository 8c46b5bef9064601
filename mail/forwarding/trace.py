"""The header that ends loops: which of our addresses a mail has been forwarded from (docs/architecture/forwarding.md, "Loops").

`X-Inbound-Trace: 1784102400.q3Zt8w5K.<digest>` has the time of the first forward, eight characters for each recipient that the
mail has been forwarded for, and a digest that only this installation can make. Other installations add theirs after a comma.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest

from rest.keyed_digests import keyed_digests

# A mail goes through at most so many forwards of this installation.
MOST_HOPS = 5
# Received fields. Relays that loop without us add some each time.
MOST_RECEIVED = 30
# A trace that somebody has copied into another mail does not stop that for ever.
OLDEST = timedelta(days=7)

_PURPOSE_VISIT, _PURPOSE_TRACE = "mail.forwarding.visit", "mail.forwarding.trace"
_OTHERS = 8
_VISIT, _DIGEST = 8, 22
_ENTRY = re.compile(rf"(\d{{1,12}})\.((?:[\w-]{{{_VISIT}}}){{0,{MOST_HOPS}}})\.([\w-]{{{_DIGEST}}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Trace:
    """`since`: seconds, when the mail was first forwarded. `visits`: of this installation. `others`: entries of others."""

    since: int
    visits: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def has_been_at(self, recipient: str) -> bool:
        return any(visit in self.visits for visit in _visits(self.since, recipient))

    @property
    def is_too_long(self) -> bool:
        return len(self.visits) >= MOST_HOPS

    def after(self, recipient: str) -> str:
        """The value of the header once the mail has been forwarded for this recipient."""
        told = f"{self.since}.{''.join([*self.visits, next(_visits(self.since, recipient))])}"
        (digest, *_) = _digests(told)
        return ",\r\n ".join([f"{told}.{digest}", *self.others])


def read_trace(value: bytes, received: datetime) -> Trace:
    """The trace of a received mail. What this installation has not written is kept, and counts for nothing."""
    others: list[str] = []
    own: Trace | None = None
    for entry in value.decode("ascii", "replace").split(",")[: 4 * _OTHERS]:
        found = _ENTRY.fullmatch("".join(entry.split()))
        if found is None:
            continue
        told = f"{found[1]}.{found[2]}"
        if not any(compare_digest(digest, found[3]) for digest in _digests(told)):
            others.append(found[0])
        elif received.timestamp() - int(found[1]) <= OLDEST.total_seconds():
            visits = tuple(found[2][start : start + _VISIT] for start in range(0, len(found[2]), _VISIT))
            # The longest, if somebody has put in several.
            own = max(own or Trace(0), Trace(int(found[1]), visits), key=lambda trace: len(trace.visits))
    kept = tuple(dict.fromkeys(others))[:_OTHERS]
    return Trace(own.since, own.visits, kept) if own else Trace(int(received.timestamp()), (), kept)


def _visits(since: int, recipient: str) -> Iterator[str]:
    return (_text(digest)[:_VISIT] for digest in keyed_digests(_PURPOSE_VISIT, f"{since} {recipient}"))


def _digests(told: str) -> Iterator[str]:
    return (_text(digest)[:_DIGEST] for digest in keyed_digests(_PURPOSE_TRACE, told))


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode()
