"""What DNS says about a name before it is added, for each of many situations."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from domains.dns.preflight import Preflight, preflight
from domains.tests.dns.situations import OURS

ONE_MX = "Domain has 1 MX record(s) - email already configured"
CNAME = "Domain has CNAME record(s) - conflicts with MX records"
CLOUDFLARE = "@ NS ada.ns.cloudflare.com.\n@ NS bob.ns.cloudflare.com."


class Situation(NamedTuple):
    """`zone`: a zone file in which names without a trailing dot belong to example.com. `confidence` of `provider`."""

    zone: str
    provider: str = "DNS Provider"
    confidence: str = "low"
    has_mx: bool = False
    conflict: str = ""
    name: str = "example.com"


def served_by(server: str, provider: str, confidence: str = "high") -> Situation:
    return Situation(f"@ NS {server}.", provider, confidence)


SITUATIONS = {
    "nothing is published": Situation(""),
    "Cloudflare": Situation(CLOUDFLARE, "Cloudflare", "high"),
    "Cloudflare in upper case": served_by("ADA.NS.CLOUDFLARE.COM", "Cloudflare"),
    "Namecheap": served_by("dns1.registrar-servers.com", "Namecheap"),
    "GoDaddy": served_by("ns01.domaincontrol.com", "GoDaddy"),
    "AWS Route 53": Situation(
        "@ NS ns-1.awsdns-02.co.uk.\n@ NS ns-1025.awsdns-00.org.\n@ NS ns-513.awsdns-00.net.\n@ NS ns-7.awsdns-00.com.",
        "AWS Route 53",
        "high",
    ),
    "Google Domains": served_by("ns-cloud-a1.googledomains.com", "Google Domains"),
    "Vercel": served_by("ns1.vercel-dns.com", "Vercel"),
    "DigitalOcean": served_by("ns1.digitalocean.com", "DigitalOcean"),
    "Netlify": served_by("dns1.p04.nsone.net", "Netlify"),
    "DNSimple": Situation("@ NS ns1.dnsimple.com.\n@ NS ns2.dnsimple-edge.net.", "DNSimple", "high"),
    "Hover": served_by("ns1.hover.com", "Hover"),
    "Porkbun": served_by("curitiba.ns.porkbun.com", "Porkbun"),
    "Squarespace": served_by("dns1.squarespacedns.com", "Squarespace"),
    "another provider": served_by("ns1.example.net", "Custom DNS Provider", "medium"),
    "a host that ends like Cloudflare's": served_by("ns.notcloudflare.com", "Custom DNS Provider", "medium"),
    "a host that begins like Cloudflare's": served_by("ns.cloudflare.com.example.net", "Custom DNS Provider", "medium"),
    "a host that contains Cloudflare's name": served_by("cloudflare.example.net", "Custom DNS Provider", "medium"),
    "a host that contains Route 53's name": served_by("awsdns-1.example.net", "Custom DNS Provider", "medium"),
    "a host that ends like Route 53's": served_by("notawsdns-1.com", "Custom DNS Provider", "medium"),
    "a provider and another server": Situation(f"{CLOUDFLARE}\n@ NS ns.example.net.", "Cloudflare", "medium"),
    "two providers": Situation(f"{CLOUDFLARE}\n@ NS ns01.domaincontrol.com.", "Cloudflare", "medium"),
    "a sub-domain of a provider's zone": Situation(CLOUDFLARE, "Cloudflare", "medium", name="a.mail.example.com"),
    "a sub-domain that is a zone of its own": Situation(
        f"{CLOUDFLARE}\nmail NS ns.example.net.", "Custom DNS Provider", "medium", name="mail.example.com"
    ),
    "a sub-domain at another provider than its parent": Situation(
        f"{CLOUDFLARE}\nmail NS ns1.hover.com.", "Hover", "high", name="mail.example.com"
    ),
    "name servers of a top-level domain": Situation("com. NS a.gtld-servers.net."),
    "name servers of a public suffix": Situation("co.uk. NS ada.ns.cloudflare.com.", name="example.co.uk"),
    "a name with letters outside of ASCII": Situation(
        "xn--bcher-kva.example. NS ns1.hover.com.", "Hover", "high", name="xn--bcher-kva.example"
    ),
    "our own MX": Situation(f"@ MX 10 {OURS}.", has_mx=True),
    "our own MX in upper case": Situation(f"@ MX 0 {OURS.upper()}.", has_mx=True),
    "our own MX twice": Situation(f"@ MX 10 {OURS}.\n@ MX 20 {OURS}.", has_mx=True),
    "a foreign MX": Situation("@ MX 1 aspmx.l.google.com.", has_mx=True, conflict=ONE_MX),
    "a foreign MX next to ours": Situation(
        f"@ MX 1 mx.example.net.\n@ MX 10 {OURS}.", has_mx=True, conflict=ONE_MX.replace("1", "2")
    ),
    "our MX of another region": Situation(
        "@ MX 10 inbound-smtp.us-east-1.amazonaws.com.", has_mx=True, conflict=ONE_MX
    ),
    "a null MX": Situation("@ MX 0 ."),
    "a wildcard MX": Situation("* MX 10 mx.example.net.", has_mx=True, conflict=ONE_MX, name="new.example.com"),
    "a wildcard MX of ours": Situation(f"* MX 10 {OURS}.", has_mx=True, name="new.example.com"),
    "an MX of the parent": Situation("@ MX 10 mx.example.net.", name="new.example.com"),
    "a CNAME": Situation("@ CNAME web.example.net.", conflict=CNAME),
    "a CNAME to a name with a foreign MX": Situation(
        "@ CNAME web.example.net.\nweb.example.net. MX 10 mx.example.net.", has_mx=True, conflict=ONE_MX
    ),
    "a CNAME to a name with our MX": Situation(
        f"@ CNAME web.example.net.\nweb.example.net. MX 10 {OURS}.", has_mx=True, conflict=CNAME
    ),
    "a CNAME to a name at a provider": Situation(
        f"{CLOUDFLARE}\nwww CNAME x.net.\nx.net. NS ns1.hover.com.",
        "Cloudflare",
        "medium",
        conflict=CNAME,
        name="www.example.com",
    ),
    "only an address": Situation("@ A 192.0.2.1"),
}


@pytest.mark.parametrize("phrase", SITUATIONS)
def test_what_is_published_for_a_new_name_is_reported(dns, phrase):
    zone, provider, confidence, has_mx, conflict, name = SITUATIONS[phrase]
    dns.load(zone, "example.com")
    assert preflight(name, own_mx_host=OURS) == Preflight(provider, confidence, has_mx, conflict, "")


@pytest.mark.parametrize("own_mx_host", [f"{OURS}.", OURS.upper()])
def test_the_spelling_of_our_own_host_does_not_matter(dns, own_mx_host):
    dns.load(f"@ MX 10 {OURS}.", "example.com")
    assert preflight("example.com", own_mx_host=own_mx_host).conflict == ""


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP"])
def test_failed_look_ups_are_reported_and_are_no_verdict(dns, rcode):
    dns.answers(".", rcode)
    why = f"The MX, CNAME and NS records of example.com could not be looked up: the DNS server answered {rcode}."
    assert preflight("example.com", own_mx_host=OURS) == Preflight("", "", False, "", why)


def test_one_failed_look_up_is_reported_beside_what_is_known(dns):
    dns.load(f"{CLOUDFLARE}\n@ MX 10 mx.example.net.", "example.com")
    dns.distorts(".", lambda response: None if "CNAME" in str(response.question[0]) else response)
    assert preflight("example.com", own_mx_host=OURS, seconds=0.5) == Preflight(
        "Cloudflare",
        "high",
        True,
        ONE_MX,
        "The CNAME records of example.com could not be looked up: DNS did not answer within 0.5 s.",
    )


def test_a_provider_is_unknown_if_the_nearest_zone_cannot_be_looked_up(dns):
    dns.load(CLOUDFLARE, "example.com")
    dns.answers("mail.example.com", "SERVFAIL")
    checked = preflight("mail.example.com", own_mx_host=OURS)
    assert (checked.provider, checked.confidence) == ("", "")
    assert checked.unknown.startswith("The MX, CNAME and NS records of mail.example.com could not be looked up")


def test_a_parent_that_cannot_be_looked_up_does_not_matter_below_a_zone(dns):
    dns.load("mail NS ns1.hover.com.", "example.com")
    dns.answers("example.com", "SERVFAIL")
    assert preflight("mail.example.com", own_mx_host=OURS) == Preflight("Hover", "high", False, "", "")


def test_all_questions_are_asked_at_once(dns):
    preflight("a.b.example.com", own_mx_host=OURS)
    assert sorted(dns.asked) == [
        ("a.b.example.com", "CNAME", "UDP"),
        ("a.b.example.com", "MX", "UDP"),
        *((name, "NS", "UDP") for name in ("a.b.example.com", "b.example.com", "example.com")),
    ]
