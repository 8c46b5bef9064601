"""DNS situations: what is published, and the verdict on one record of the domain. test_situations.py runs them."""

from __future__ import annotations

from typing import NamedTuple

from domains.dns.records import RecordKind
from domains.dns.verdict import State

OWNERSHIP, INBOUND, SPF, DMARC = RecordKind.OWNERSHIP, RecordKind.INBOUND, RecordKind.SPF, RecordKind.DMARC
MAIL_FROM_MX, MAIL_FROM_SPF, DKIM = RecordKind.MAIL_FROM_MX, RecordKind.MAIL_FROM_SPF, RecordKind.DKIM
VERIFIED, MISSING, WRONG, UNKNOWN = State.VERIFIED, State.MISSING, State.WRONG, State.UNKNOWN

TOKEN = "dG9rZW4tT0YtU0VT="
OURS = "inbound-smtp.eu-west-1.amazonaws.com"
FEEDBACK = "feedback-smtp.eu-west-1.amazonses.com"


class Situation(NamedTuple):
    """`zone`: a zone file in which names without a trailing dot belong to `domain`. `why`: a part of the sentence."""

    kind: RecordKind
    zone: str
    state: State
    why: str = ""
    domain: str = "example.com"


OWNERSHIP_RECORD = {
    "the token is published": Situation(OWNERSHIP, f'_amazonses TXT "{TOKEN}"', VERIFIED),
    "nothing is published": Situation(OWNERSHIP, "", MISSING, "No TXT record was found at _amazonses.example.com"),
    "only other names are published": Situation(OWNERSHIP, f"@ MX 10 {OURS}.", MISSING, "publish it"),
    "only another type is published": Situation(OWNERSHIP, "_amazonses A 192.0.2.1", MISSING, "No TXT record"),
    "another account's token is published": Situation(OWNERSHIP, '_amazonses TXT "b3RoZXI="', WRONG, "another value"),
    "two accounts' tokens are published": Situation(
        OWNERSHIP, f'_amazonses TXT "b3RoZXI="\n_amazonses TXT "{TOKEN}"', VERIFIED
    ),
    "the token is in lower case": Situation(OWNERSHIP, f'_amazonses TXT "{TOKEN.lower()}"', WRONG, "another value"),
    "the name is in upper case": Situation(OWNERSHIP, f'_AMAZONSES.Example.COM. TXT "{TOKEN}"', VERIFIED),
    "the token is split into two strings": Situation(
        OWNERSHIP, f'_amazonses TXT "{TOKEN[:5]}" "{TOKEN[5:]}"', VERIFIED
    ),
    "the token is one of two strings of a record": Situation(OWNERSHIP, f'_amazonses TXT "site=1" "{TOKEN}"', VERIFIED),
    "the token has quotation marks in it": Situation(
        OWNERSHIP, f'_amazonses TXT "\\"{TOKEN}\\""', WRONG, "without quotation marks"
    ),
    "the token is at an alias": Situation(
        OWNERSHIP, f'_amazonses CNAME proof.example.net.\nproof.example.net. TXT "{TOKEN}"', VERIFIED
    ),
    "the provider has added the zone": Situation(
        OWNERSHIP, f'_amazonses.example.com TXT "{TOKEN}"', MISSING, "adds example.com: enter _amazonses as its name"
    ),
    "the provider has added the zone of a sub-domain": Situation(
        OWNERSHIP,
        f'_amazonses.mail.example.com.example.com. TXT "{TOKEN}"',
        MISSING,
        "adds example.com: enter _amazonses.mail as its name",
        domain="mail.example.com",
    ),
    "the token is at the domain itself": Situation(OWNERSHIP, f'@ TXT "{TOKEN}"', MISSING, "_amazonses.example.com"),
    "a wildcard answers with something else": Situation(OWNERSHIP, '* TXT "v=spf1 -all"', WRONG, "another value"),
    "a wildcard answers with the token": Situation(OWNERSHIP, f'* TXT "{TOKEN}"', VERIFIED),
}

INBOUND_MX = {
    "the MX is as shown": Situation(INBOUND, f"@ MX 10 {OURS}.", VERIFIED),
    "no MX": Situation(INBOUND, "@ A 192.0.2.1", MISSING, "No MX record was found at example.com"),
    "the MX has another preference": Situation(INBOUND, f"@ MX 0 {OURS}.", VERIFIED),
    "the MX is in upper case": Situation(INBOUND, f"@ MX 10 {OURS.upper()}.", VERIFIED),
    "our MX is published twice": Situation(INBOUND, f"@ MX 10 {OURS}.\n@ MX 20 {OURS}.", VERIFIED),
    "only a foreign MX": Situation(
        INBOUND, "@ MX 1 aspmx.l.google.com.", WRONG, f"points to aspmx.l.google.com: replace it with {OURS}"
    ),
    "a foreign MX comes first": Situation(
        INBOUND, f"@ MX 5 mx.example.net.\n@ MX 10 {OURS}.", WRONG, "mx.example.net takes the mail, because"
    ),
    "a foreign MX has the same preference": Situation(
        INBOUND, f"@ MX 10 mx.example.net.\n@ MX 10 {OURS}.", WRONG, "mx.example.net takes a part of the mail"
    ),
    "a foreign MX is the backup": Situation(INBOUND, f"@ MX 10 {OURS}.\n@ MX 20 mx.example.net.", VERIFIED),
    "a foreign MX is between two of ours": Situation(
        INBOUND, f"@ MX 10 {OURS}.\n@ MX 20 mx.example.net.\n@ MX 30 {OURS}.", VERIFIED
    ),
    "two foreign MX are named in the same order every time": Situation(
        INBOUND, f"@ MX 10 b.example.net.\n@ MX 10 a.example.net.\n@ MX 10 {OURS}.", WRONG, "a.example.net takes a part"
    ),
    "our MX is a backup of ten": Situation(
        INBOUND,
        "\n".join(f"@ MX {number} mx{number}.example.net." for number in range(1, 10)) + f"\n@ MX 99 {OURS}.",
        WRONG,
        "mx1.example.net takes the mail",
    ),
    "the MX of another region": Situation(
        INBOUND, "@ MX 10 inbound-smtp.us-east-1.amazonaws.com.", WRONG, f"the region us-east-1: replace it with {OURS}"
    ),
    "the MX of another region as well": Situation(
        INBOUND, f"@ MX 10 inbound-smtp.us-east-1.amazonaws.com.\n@ MX 10 {OURS}.", WRONG, "us-east-1"
    ),
    "the MX of SES's feedback host": Situation(INBOUND, f"@ MX 10 {FEEDBACK}.", WRONG, f"replace it with {OURS}"),
    "a null MX": Situation(INBOUND, "@ MX 0 .", WRONG, "null MX"),
    "a null MX next to ours": Situation(INBOUND, f"@ MX 0 .\n@ MX 10 {OURS}.", WRONG, "null MX"),
    "the provider has added the zone to the host": Situation(
        INBOUND, f"@ MX 10 {OURS}", WRONG, "enter the host with a dot at its end"
    ),
    "an IP address instead of a host": Situation(
        INBOUND, "@ MX 10 192.0.2.1.", WRONG, "the address 192.0.2.1 instead of a name"
    ),
    "a wildcard MX": Situation(INBOUND, f"*.example.com. MX 10 {OURS}.", VERIFIED, domain="mail.example.com"),
    "a foreign wildcard MX": Situation(
        INBOUND, "*.example.com. MX 10 mx.example.net.", WRONG, "mx.example.net", domain="mail.example.com"
    ),
    "a wildcard MX does not cover the domain itself": Situation(INBOUND, f"* MX 10 {OURS}.", MISSING, "No MX record"),
    "a wildcard MX does not cover names with other records": Situation(
        INBOUND, f"*.example.com. MX 10 {OURS}.\n@ A 192.0.2.1", MISSING, "No MX", domain="mail.example.com"
    ),
    "the domain is an alias of a name with our MX": Situation(
        INBOUND, f"@ CNAME other.example.net.\nother.example.net. MX 10 {OURS}.", VERIFIED
    ),
    "the domain is an alias of a name without MX": Situation(
        INBOUND, "@ CNAME other.example.net.\nother.example.net. A 192.0.2.1", MISSING, "No MX"
    ),
    "the domain is an alias of a name that does not exist": Situation(
        INBOUND, "@ CNAME nowhere.example.net.", MISSING, "No MX"
    ),
    "the MX names an alias of our host": Situation(INBOUND, f"@ MX 10 mx\nmx CNAME {OURS}.", VERIFIED),
    "the MX names an alias of another host": Situation(
        INBOUND, "@ MX 10 mx\nmx CNAME mx.example.net.", WRONG, "points to mx.example.com"
    ),
    "an alias of our host is next to another host": Situation(
        INBOUND, f"@ MX 10 mx\n@ MX 10 mx.example.net.\nmx CNAME {OURS}.", WRONG, "mx.example.net takes a part"
    ),
    "a domain with letters outside of ASCII": Situation(
        INBOUND, f"@ MX 10 {OURS}.", VERIFIED, domain="xn--bcher-kva.example"
    ),
    "a domain under a top-level domain outside of ASCII": Situation(
        INBOUND, "", MISSING, "No MX record was found at xn--e1afmkfd.xn--p1ai", domain="xn--e1afmkfd.xn--p1ai"
    ),
    "a label of 63 characters": Situation(INBOUND, f"@ MX 10 {OURS}.", VERIFIED, domain=f"{'a' * 63}.example.com"),
    "a name of 253 characters": Situation(
        INBOUND, f"@ MX 10 {OURS}.", VERIFIED, domain=".".join(["a" * 60] * 3 + ["b" * 58, "example", "com"])
    ),
}

DKIM_CNAME = {
    "the CNAME is as shown": Situation(DKIM, "aaa._domainkey CNAME aaa.dkim.amazonses.com.", VERIFIED),
    "no CNAME": Situation(DKIM, "", MISSING, "No CNAME record was found at aaa._domainkey.example.com"),
    "the CNAME is in upper case": Situation(DKIM, "AAA._DOMAINKEY CNAME AAA.DKIM.AMAZONSES.COM.", VERIFIED),
    "the CNAME has another token": Situation(
        DKIM, "aaa._domainkey CNAME bbb.dkim.amazonses.com.", WRONG, "points to bbb.dkim.amazonses.com: replace it"
    ),
    "the provider has added the zone to the target": Situation(
        DKIM, "aaa._domainkey CNAME aaa.dkim.amazonses.com", WRONG, "enter the host with a dot at its end"
    ),
    "the provider has added the zone to the DKIM name": Situation(
        DKIM, "aaa._domainkey.example.com CNAME aaa.dkim.amazonses.com.", MISSING, "enter aaa._domainkey as its name"
    ),
    "an alias leads to the target": Situation(
        DKIM,
        "aaa._domainkey CNAME aaa.keys.example.net.\naaa.keys.example.net. CNAME aaa.dkim.amazonses.com.",
        VERIFIED,
    ),
    "three aliases lead to the target": Situation(
        DKIM,
        "aaa._domainkey CNAME one.example.net.\none.example.net. CNAME two.example.net.\n"
        "two.example.net. CNAME three.example.net.\nthree.example.net. CNAME AAA.dkim.amazonses.com.",
        VERIFIED,
    ),
    "an alias leads to nothing": Situation(
        DKIM, "aaa._domainkey CNAME aaa.keys.example.net.", WRONG, "points to aaa.keys.example.net"
    ),
    "aliases lead in a circle": Situation(
        DKIM, "aaa._domainkey CNAME b\nb CNAME aaa._domainkey", UNKNOWN, "The chain of CNAMEs is too long"
    ),
    "the key is published by TXT": Situation(
        DKIM,
        'aaa._domainkey TXT "v=DKIM1; k=rsa; p=MIIB" "IjAN"\naaa.dkim.amazonses.com. TXT "p=MIIBIjAN"',
        VERIFIED,
    ),
    "an alias leads to the key": Situation(
        DKIM,
        'aaa._domainkey CNAME k.example.net.\nk.example.net. TXT "p=MIIB"\naaa.dkim.amazonses.com. TXT "p=MIIB"',
        VERIFIED,
    ),
    "another key is published by TXT": Situation(
        DKIM,
        'aaa._domainkey TXT "v=DKIM1; p=AAAA"\naaa.dkim.amazonses.com. TXT "p=MIIB"',
        WRONG,
        "a TXT record with another key: replace it with the CNAME record",
    ),
    "a revoked key is published by TXT": Situation(
        DKIM,
        'aaa._domainkey TXT "v=DKIM1; p="\naaa.dkim.amazonses.com. TXT "p="',
        MISSING,
        "No CNAME record",
    ),
    "a wildcard CNAME answers": Situation(DKIM, "* CNAME web.example.net.", WRONG, "points to web.example.net"),
    "a DKIM name that is too long for DNS": Situation(
        DKIM, "", MISSING, "more than the 253 characters that DNS allows", domain=".".join(["a" * 60] * 4 + ["com"])
    ),
    "a sub-domain with the key of its parent": Situation(
        DKIM,
        "aaa._domainkey.example.com. CNAME aaa.dkim.amazonses.com.",
        MISSING,
        "aaa._domainkey.mail.example.com",
        domain="mail.example.com",
    ),
}
