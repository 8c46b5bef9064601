"""A look at the DNS of a name before it is added: who serves it, and what stands in the way of receiving mail."""

from __future__ import annotations

from dataclasses import dataclass

from domains.dns import resolver
from domains.dns.resolver import Answer, Question
from domains.dns.values import host
from domains.names import ancestors, registrable

# Name servers of providers, by the end of their host name; `-` ends a label that has numbers (ns-1.awsdns-2.com).
PROVIDERS = {
    "cloudflare.com": "Cloudflare",
    "registrar-servers.com": "Namecheap",
    "domaincontrol.com": "GoDaddy",
    "awsdns": "AWS Route 53",
    "googledomains.com": "Google Domains",
    "vercel-dns.com": "Vercel",
    "digitalocean.com": "DigitalOcean",
    "nsone.net": "Netlify",
    "dnsimple.com": "DNSimple",
    "hover.com": "Hover",
    "porkbun.com": "Porkbun",
    "squarespacedns.com": "Squarespace",
}


@dataclass(frozen=True, slots=True)
class Preflight:
    """`confidence` is high, medium or low. Provider and confidence are empty if DNS could not be asked."""

    provider: str
    confidence: str
    has_mx: bool
    # The contract's sentence if published records stand in the way.
    conflict: str
    # A sentence about look-ups that failed. They never count as "no record".
    unknown: str


def preflight(name: str, *, own_mx_host: str, seconds: float | None = None) -> Preflight:
    """Look at a normalised name within `seconds`, by default DNS_TIMEOUT_SECONDS. Never raises.

    An MX record for `own_mx_host`, our own inbound host, is no conflict.
    """
    zones = [zone for zone in [name, *ancestors(name)] if zone.endswith(registrable(name))]
    servers = [Question(zone, "NS") for zone in zones]
    mx, cname = Question(name, "MX"), Question(name, "CNAME")
    answers = resolver.ask([*servers, mx, cname], seconds=seconds)
    provider, confidence = _provider([answers[question] for question in servers])
    hosts = [host(value) for value in answers[mx].values]
    return Preflight(
        provider=provider,
        confidence=confidence,
        has_mx=any(hosts),
        conflict=_conflict([host for host in hosts if host], answers[cname], own_mx_host),
        unknown=_unknown({question: answer for question, answer in answers.items() if answer.why}),
    )


def _provider(answers: list[Answer]) -> tuple[str, str]:
    """Provider and confidence from the nearest zone that has name servers."""
    for level, answer in enumerate(answers):
        if answer.why:
            return "", ""
        if answer.values:
            names = [provider for value in answer.values if (provider := _provider_of(host(value)))]
            return (names[0], "medium" if level else "high") if names else ("Custom DNS Provider", "medium")
    return "DNS Provider", "low"


def _provider_of(server: str) -> str:
    if ".awsdns-" in server:
        return PROVIDERS["awsdns"]
    return next((name for suffix, name in PROVIDERS.items() if f".{server}".endswith(f".{suffix}")), "")


def _conflict(hosts: list[str], cname: Answer, own_mx_host: str) -> str:
    if any(one != own_mx_host.rstrip(".").lower() for one in hosts):
        return f"Domain has {len(hosts)} MX record(s) - email already configured"
    if cname.values:
        return "Domain has CNAME record(s) - conflicts with MX records"
    return ""


def _unknown(failed: dict[Question, Answer]) -> str:
    if not failed:
        return ""
    question, answer = next(iter(failed.items()))
    why = answer.why.replace("The ", "the ", 1)
    return f"The {question.type} records of {question.name} could not be looked up: {why}"
