"""Where a webhook's URL leads: host, port and addresses, all of them checked.

A URL is checked twice: when it is saved, and again for each request, which then connects to a checked address. DNS is asked
directly and once for each check, so neither the hosts file nor a second answer can lead elsewhere.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit

import idna
from django.conf import settings

from domains.dns import resolver
from domains.dns.resolver import Question
from endpoints.webhooks import networks

# URL parsers disagree about where the host ends if one of these occurs.
NOT_IN_URLS = re.compile(r"[\s\x00-\x1f\x7f\\]")
HOST_AND_PORT = re.compile(r"(?:\[[^\[\]]*\]|[^\[\]:]*)(?::[0-9]*)?")
NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# Other parsers read such a host as an IPv4 address in decimal, octal or hexadecimal notation.
LIKE_IPV4 = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
# What a path and a query may not contain unescaped: everything outside visible ASCII.
UNSENDABLE = re.compile(r"[^!-~]")
PORTS = {"http": 80, "https": 443}

INVALID = "Invalid webhook URL format"
USER = "Webhook URL must not contain a user name or password; send them in a header"
HTTPS = "Webhook URL must begin with https://"
NOT_ASKED = "DNS was not asked for {}."
PLAIN = "The webhook is not encrypted, because its URL begins with http://."


class Refused(Exception):
    """The URL leads where webhooks must not go. The message is a sentence for the owner of the endpoint."""


class Unresolved(Exception):
    """The host has no address, or DNS could not be asked. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class Target:
    """`host` as in the certificate, `path` as in the request line, and checked `addresses` to connect to."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...] = ()

    @property
    def origin(self) -> tuple[str, str, int]:
        """Who gets the requests."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def check_url(url: str, *, seconds: float = math.inf) -> str:
    """Check a URL that is about to be saved. Returns a warning, which may be empty. Raises Refused.

    Asks DNS for up to DNS_TIMEOUT_SECONDS and `seconds`, so never call it inside a transaction. A name that cannot be resolved
    now is accepted: it is looked at again before each request.
    """
    warnings = []
    try:
        target = resolve(url, min(settings.DNS_TIMEOUT_SECONDS, seconds))
        plain = target.scheme == "http"
    except Unresolved as error:
        warnings.append(str(error))
        plain = parse(url).scheme == "http"
    return " ".join([PLAIN, *warnings] if plain else warnings)


def resolve(url: str, seconds: float) -> Target:
    """Where a request for this URL connects to. Asks DNS once, within `seconds`. Raises Refused and Unresolved."""
    target = parse(url)
    addresses = _addresses(target.host, seconds)
    for address in addresses:
        if why := networks.refusal(address):
            raise Refused(why if address == target.host else f"{target.host} leads to a refused address: {why}")
    return Target(target.scheme, target.host, target.port, target.path, addresses)


def parse(url: str) -> Target:
    """The parts of a URL, without addresses. Raises Refused."""
    if NOT_IN_URLS.search(url):
        raise Refused(INVALID)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Refused(INVALID) from error
    if parts.scheme not in PORTS or not host or port == 0:
        raise Refused(INVALID)
    if "@" in parts.netloc:
        raise Refused(USER)
    if not HOST_AND_PORT.fullmatch(parts.netloc):
        raise Refused(INVALID)
    if parts.scheme != "https" and settings.WEBHOOK_REQUIRE_HTTPS:
        raise Refused(HTTPS)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path = UNSENDABLE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found.group().encode()), path)
    in_brackets = parts.netloc.startswith("[")
    return Target(parts.scheme, _ipv6(host) if in_brackets else _name(host), port or PORTS[parts.scheme], path)


def _ipv6(host: str) -> str:
    try:
        address = IPv6Address(host)
    except AddressValueError as error:
        raise Refused(INVALID) from error
    if address.scope_id is not None:
        raise Refused(networks.NOT_ALLOWED.format(host))
    return str(address)


def _name(host: str) -> str:
    """A host name or IPv4 address in the one form that everything else uses. Raises Refused."""
    if not host.isascii():
        try:
            # Also turns full-width digits and dots into those of ASCII.
            host = idna.encode(host, uts46=True).decode()
        except UnicodeError as error:
            raise Refused(INVALID) from error
    host = host.lower().removesuffix(".")
    if LIKE_IPV4.fullmatch(host):
        try:
            return str(IPv4Address(host))
        except AddressValueError as error:
            raise Refused(f"{host} is not an IPv4 address of four decimal numbers.") from error
    if not NAME.fullmatch(host):
        raise Refused(INVALID)
    return host


def _addresses(host: str, seconds: float) -> tuple[str, ...]:
    if ":" in host or LIKE_IPV4.fullmatch(host):
        return (host,)
    if host == "localhost" or host.endswith(".localhost"):
        # Never a question to DNS (RFC 6761, 6.3).
        return ("127.0.0.1",)
    if seconds <= 0:
        raise Unresolved(NOT_ASKED.format(host))
    # IPv4 first: not every network has IPv6.
    questions = [Question(host, "A"), Question(host, "AAAA")]
    answers = resolver.ask(questions, seconds=seconds)
    if found := tuple(address for question in questions for address in answers[question].values):
        return found
    raise Unresolved(next((answer.why for answer in answers.values() if answer.why), f"{host} has no address in DNS."))
