"""The records of a domain as a fragment of a zone file (RFC 1035, 5), which name servers and DNS providers import."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

import dns.exception
import dns.name
import dns.rdata
import dns.rdatatype
from dns.rdataclass import IN
from dns.rdtypes.ANY.TXT import TXT

from backoffice.text import one_line
from domains.dns.records import Record, RecordKind
from domains.dns.rules import CheckedRecord, State

TTL = 3600
# The most bytes in one string of a TXT record.
STRING = 255
HEAD = "Records that start with a semicolon are not imported: they would harm what is published there, or may be."


def zone_fragment(domain: str, checked: Iterable[CheckedRecord]) -> str:
    """Lines with `$ORIGIN` and the records, each below comments with what it is for and its state. Pure.

    A record is itself a comment if it must not stand beside what is published, such as a second SPF record.
    """
    origin = dns.name.from_text(domain)
    lines = [f"; DNS records of {domain}. {HEAD}", f"$ORIGIN {origin}"]
    for one in sorted(checked, key=attrgetter("record.place")):
        record = one.record
        needed = "required" if record.is_required else "recommended"
        lines += ["", f"; {record.description}, {needed}: {one.state}"]
        if why := _why(one):
            lines.append(f"; {one_line(why)}")
        try:
            lines.append(("; " if _harms(one) else "") + zone_line(record, origin))
        except dns.exception.DNSException:
            # The verdict says that the name is too long.
            lines.append(f"; {record.name} {record.type}")
    return "\n".join(lines)


def zone_line(record: Record, origin: dns.name.Name) -> str:
    """The record in a zone file, with its name relative to the origin. Raises DNSException for names that DNS does not allow."""
    name = dns.name.from_text(record.name).relativize(origin)
    if record.type == "TXT":
        text = record.value.encode()
        strings = [text[start : start + STRING] for start in range(0, len(text), STRING)]
        value: dns.rdata.Rdata = TXT(IN, dns.rdatatype.TXT, strings or [b""])
    else:
        value = dns.rdata.from_text(IN, record.type, record.value, origin=dns.name.root, relativize=False)
    return f"{name} {TTL} IN {record.type} {value}"


def _why(one: CheckedRecord) -> str:
    if one.state is State.VERIFIED and _harms(one):
        return f"This does the job already: {', '.join(one.found)}"
    return one.why


def _harms(one: CheckedRecord) -> bool:
    """Whether something else is published, or may be, and the record must not stand beside it."""
    if one.record.kind is RecordKind.OWNERSHIP:
        return False
    return one.state in (State.WRONG, State.UNKNOWN) or (one.state is State.VERIFIED and not _is_published(one))


def _is_published(one: CheckedRecord) -> bool:
    if one.record.type == "TXT":
        return one.record.value in one.found
    return one.record.value.lower() in {value.lower().rstrip(".") for value in one.found}
