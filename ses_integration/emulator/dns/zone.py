"""DNS records in memory, and the answers that a resolver would give from them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone
from dns.rdtypes.ANY.TXT import TXT

TTL = 60
# The longest string in a TXT record. Longer values are split.
PART = 255
LONGEST_CHAIN = 16
WILDCARD = dns.name.Name([b"*"])

Value = str | bytes | tuple[str | bytes, ...]
_Rrsets = dict[dns.rdatatype.RdataType, dns.rrset.RRset]


class Zone:
    """Records of any names. Thread-safe. Names and values that DNS cannot hold raise dns.exception.DNSException.

    Names in values are absolute, with or without a trailing dot. A TXT value is one text, or the strings of a record.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._names: dict[dns.name.Name, _Rrsets] = {}
        # The names and all names above them, which exist, too. None: not collected since the last change.
        self._existing: set[dns.name.Name] | None = None
        # Otherwise an answer ends with a CNAME, and the client has to ask for its target.
        self.follows_cnames = True

    def publish(self, name: str, type: str, *values: Value) -> None:
        """Replace the records of a name and type."""
        owner, kind = dns.name.from_text(name), dns.rdatatype.from_text(type)
        rrset = dns.rrset.from_rdata_list(owner, TTL, [_rdata(kind, value) for value in values])
        with self._lock:
            self._names.setdefault(owner, {})[kind] = rrset
            self._existing = None

    def add(self, name: str, type: str, value: Value) -> None:
        """Publish a record beside those of the same name and type."""
        owner, kind = dns.name.from_text(name), dns.rdatatype.from_text(type)
        rdata = _rdata(kind, value)
        with self._lock:
            rrsets = self._names.setdefault(owner, {})
            rrsets.setdefault(kind, dns.rrset.RRset(owner, dns.rdataclass.IN, kind)).add(rdata, TTL)
            self._existing = None

    def load(self, text: str, origin: str) -> None:
        """Publish a zone file (RFC 1035, 5). Names without a trailing dot belong to `origin`."""
        directives = f"$ORIGIN {origin}.\n$TTL {TTL}\n"
        zone = dns.zone.from_text(directives + text, origin=dns.name.root, check_origin=False, relativize=False)
        with self._lock:
            for name, rdataset in zone.iterate_rdatasets():
                rrset = dns.rrset.from_rdata_list(name, TTL, list(rdataset))
                self._names.setdefault(name, {})[rdataset.rdtype] = rrset
            self._existing = None

    def withdraw(self, name: str, type: str = "") -> None:
        """Remove the records of a name and type. Without a type, remove all records of the name and of names below it."""
        owner = dns.name.from_text(name)
        with self._lock:
            self._existing = None
            if type:
                self._names.get(owner, {}).pop(dns.rdatatype.from_text(type), None)
            for other in [other for other, rrsets in self._names.items() if not rrsets or not type]:
                if other.is_subdomain(owner):
                    del self._names[other]

    def records(self) -> list[tuple[str, str, str]]:
        """All records as type, name and value, sorted by name."""
        with self._lock:
            rrsets = [rrset for name in sorted(self._names) for rrset in self._names[name].values()]
        return [
            (dns.rdatatype.to_text(rrset.rdtype), rrset.name.to_text(omit_final_dot=True), _text(rdata))
            for rrset in rrsets
            for rdata in rrset
        ]

    def values(self, name: str, type: str) -> list[str]:
        """What a resolver finds at a name. Follows CNAMEs, except to answer a question for them."""
        kind = dns.rdatatype.from_text(type)
        answer = self.answer(dns.message.make_query(name, kind)).answer
        return [_text(rdata) for rrset in answer if rrset.rdtype == kind for rdata in rrset]

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """The response of a resolver that has only these records. Follows CNAMEs and expands wildcards."""
        response = dns.message.make_response(query, recursion_available=True)
        name, kind = query.question[0].name, query.question[0].rdtype
        with self._lock:
            for _ in range(LONGEST_CHAIN):
                published = self._at(name)
                if published is None:
                    response.set_rcode(dns.rcode.NXDOMAIN)
                    return response
                found = published.get(kind) or published.get(dns.rdatatype.CNAME)
                if found:
                    response.answer.append(dns.rrset.from_rdata_list(name, TTL, list(found)))
                if not found or found.rdtype == kind or not self.follows_cnames:
                    return response
                name = found[0].target
        response.answer.clear()
        response.set_rcode(dns.rcode.SERVFAIL)
        return response

    def _at(self, name: dns.name.Name) -> _Rrsets | None:
        """The records of a name, or of the wildcard that covers it (RFC 4592). None if the name does not exist."""
        if name in self._names:
            return self._names[name]
        if self._existing is None:
            self._existing = {above for each in self._names for above in _with_parents(each)}
        encloser = next((above for above in _with_parents(name) if above in self._existing), None)
        if encloser is None:
            return None
        return {} if encloser == name else self._names.get(WILDCARD.concatenate(encloser))


def _with_parents(name: dns.name.Name) -> Iterator[dns.name.Name]:
    """The name and the names above it, up to the root."""
    yield name
    while name != dns.name.root:
        name = name.parent()
        yield name


def _rdata(kind: dns.rdatatype.RdataType, value: Value) -> dns.rdata.Rdata:
    if kind != dns.rdatatype.TXT:
        return dns.rdata.from_text(dns.rdataclass.IN, kind, str(value), origin=dns.name.root, relativize=False)
    parts = value if isinstance(value, tuple) else (value,)
    strings = [part.encode() if isinstance(part, str) else part for part in parts]
    return TXT(
        dns.rdataclass.IN, kind, [text[at : at + PART] for text in strings for at in range(0, len(text) or 1, PART)]
    )


def _text(rdata: dns.rdata.Rdata) -> str:
    """The value as it is published: without quotes, and without trailing dot."""
    if isinstance(rdata, TXT):
        return b"".join(rdata.strings).decode(errors="replace")
    return rdata.to_text().removesuffix(".")
