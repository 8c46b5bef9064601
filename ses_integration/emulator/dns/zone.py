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
    """Records of any names. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[dns.name.Name, _Rrsets] = {}
        # Otherwise an answer ends with a CNAME, and the client has to ask for its target.
        self.follows_cnames = True

    def publish(self, name: str, type: str, *values: Value) -> None:
        """Replace the records of a name and type. A TXT value is one text, or the strings that it is split into.

        Names in values are absolute, with or without a trailing dot. Raises dns.exception.DNSException.
        """
        owner, kind = dns.name.from_text(name), dns.rdatatype.from_text(type)
        rrset = dns.rrset.from_rdata_list(owner, TTL, [_rdata(kind, value) for value in values])
        with self._lock:
            self._names.setdefault(owner, {})[kind] = rrset

    def load(self, text: str, origin: str) -> None:
        """Publish a zone file (RFC 1035, 5). Names without a trailing dot belong to `origin`."""
        directives = f"$ORIGIN {origin}.\n$TTL {TTL}\n"
        zone = dns.zone.from_text(directives + text, origin=dns.name.root, check_origin=False, relativize=False)
        with self._lock:
            for name, rdataset in zone.iterate_rdatasets():
                rrset = dns.rrset.from_rdata_list(name, TTL, list(rdataset))
                self._names.setdefault(name, {})[rdataset.rdtype] = rrset

    def withdraw(self, name: str, type: str = "") -> bool:
        """Remove the records of a name and type, or of the name. Returns whether there were any."""
        owner = dns.name.from_text(name)
        with self._lock:
            if not type:
                return self._names.pop(owner, None) is not None
            rrsets = self._names.get(owner, {})
            found = rrsets.pop(dns.rdatatype.from_text(type), None) is not None
            if not rrsets:
                self._names.pop(owner, None)
            return found

    def clear(self) -> None:
        with self._lock:
            self._names.clear()

    def records(self) -> Iterator[tuple[str, str, str]]:
        """All records as name, type and value in presentation format, sorted by name."""
        with self._lock:
            rrsets = [rrset for name in sorted(self._names) for rrset in self._names[name].values()]
        for rrset in rrsets:
            name, kind = rrset.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(rrset.rdtype)
            for rdata in rrset:
                yield name, kind, rdata.to_text()

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
                if found := published.get(kind) or published.get(dns.rdatatype.CNAME):
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
        encloser = name
        while not any(other.is_subdomain(encloser) for other in self._names):
            if encloser == dns.name.root:
                return None
            encloser = encloser.parent()
        return {} if encloser == name else self._names.get(WILDCARD.concatenate(encloser))


def _rdata(kind: dns.rdatatype.RdataType, value: Value) -> dns.rdata.Rdata:
    if kind != dns.rdatatype.TXT:
        return dns.rdata.from_text(dns.rdataclass.IN, kind, str(value), origin=dns.name.root, relativize=False)
    parts = value if isinstance(value, tuple) else (value,)
    strings = [part.encode() if isinstance(part, str) else part for part in parts]
    return TXT(
        dns.rdataclass.IN, kind, [text[at : at + PART] for text in strings for at in range(0, len(text) or 1, PART)]
    )
