"""A look at the DNS of a name before it is added: who serves it, and what stands in the way of receiving mail."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domains.dns import resolver
from domains.dns.resolver import Answer, Question
from domains.dns.values import host, zones_above

# The domains of the providers' name servers.
PROVIDERS = {
    "cloudflare.com": "Cloudflare",
    "foundationdns.com": "Cloudflare",
    "foundationdns.net": "Cloudflare",
    "foundationdns.org": "Cloudflare",
    "registrar-servers.com": "Namecheap",
    "namecheaphosting.com": "Namecheap",
    "domaincontrol.com": "GoDaddy",
    "googledomains.com": "Google Domains",
    "vercel-dns.com": "Vercel",
    "digitalocean.com": "DigitalOcean",
    # Netlify rents its name servers from NS1.
    "nsone.net": "Netlify",
    "dnsimple.com": "DNSimple",
    "dnsimple-edge.net": "DNSimple",
    "dnsimple-edge.org": "DNSimple",
    "hover.com": "Hover",
    "porkbun.com": "Porkbun",
    "squarespacedns.com": "Squarespace",
}
# ns-1.awsdns-02.co.uk
ROUTE_53 = re.compile(r"(.+\.)?awsdns-\d+\.(com|net|org|co\.uk)")


@dataclass(frozen=True, slots=True)
class Preflight:
    provider: str
    # high, medium or low. Empty, like the provider, if DNS could not be asked.
    confidence: str
    # Ours count, null MX records do not.
    has_mx: bool
    # The contract's sentence (docs/api/compatibility.md, "New domains") if published records stand in the way.
    conflict: str
    # A sentence about look-ups that failed.
    unknown: str


def preflight(name: str, *, own_mx_host: str, seconds: float | None = None) -> Preflight:
    """Look at a normalised name within `seconds`, by default DNS_TIMEOUT_SECONDS. Never raises.

    An MX record for `own_mx_host`, our own inbound host, is no conflict.
    """
    mx, cname = Question(name, "MX"), Question(name, "CNAME")
    servers = [Question(zone, "NS") for zone in zones_above(name)]
    answers = resolver.ask([mx, cname, *servers], seconds=seconds)
    provider, confidence = _provider([answers[question] for question in servers])
    asked = [mx, cname] if provider else [mx, cname, *servers]
    hosts = [host(value) for value in answers[mx].values if host(value)]
    return Preflight(
        provider=provider,
        confidence=confidence,
        has_mx=bool(hosts),
        conflict=_conflict(hosts, answers[cname], own_mx_host),
        unknown=_unknown(name, {question.type: answers[question].why for question in asked if answers[question].why}),
    )


def _provider(answers: Iterable[Answer]) -> tuple[str, str]:
    """Provider and confidence from the nearest zone that has name servers."""
    for level, answer in enumerate(answers):
        if answer.why:
            return "", ""
        if answer.values:
            return _provider_of(answer.values, is_parent=level > 0)
    return "DNS Provider", "low"


def _provider_of(values: Iterable[str], *, is_parent: bool) -> tuple[str, str]:
    found = Counter(filter(None, map(_known, sorted(map(host, values)))))
    if not found:
        return "Custom DNS Provider", "medium"
    [(provider, count)] = found.most_common(1)
    return provider, "high" if count == len([*values]) and not is_parent else "medium"


def _known(server: str) -> str:
    if ROUTE_53.fullmatch(server):
        return "AWS Route 53"
    return next((provider for end, provider in PROVIDERS.items() if f".{server}".endswith(f".{end}")), "")


def _conflict(hosts: list[str], cname: Answer, own_mx_host: str) -> str:
    if any(one != host(own_mx_host) for one in hosts):
        return f"Domain has {len(hosts)} MX record(s) - email already configured"
    if cname.values:
        return "Domain has CNAME record(s) - conflicts with MX records"
    return ""


def _unknown(name: str, failed: Mapping[str, str]) -> str:
    """One sentence about all look-ups that failed, given by type, with the reason of the first."""
    if not failed:
        return ""
    *others, last = failed
    types = f"{', '.join(others)} and {last}" if others else last
    why = next(iter(failed.values())).replace("The ", "the ", 1)
    return f"The {types} records of {name} could not be looked up: {why}"
