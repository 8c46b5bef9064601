"""Names and addresses of hosts, and what contains them: origins, endpoints, resolvers, the address to listen on."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from domains.dns.nameserver import nameserver
from inbound.configuration.forms import Form, Refused, list_of

LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAME = re.compile(rf"(?=.{{1,253}}$){LABEL}(?:\.{LABEL})*", re.IGNORECASE | re.ASCII)
HOST_WITH_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
# Gunicorn's own: a Unix socket, or a file descriptor that a supervisor has opened.
SOCKET = re.compile(r"unix:[^,]+|fd://[0-9]{1,9}")


def is_host(text: str, *, in_brackets: bool = True) -> bool:
    """Whether it is a host name, an IPv4 address, or an IPv6 address (in brackets, as in a URL)."""
    if NAME.fullmatch(text):
        # A name whose last label is a number would be taken for an IPv4 address.
        return not text.rpartition(".")[2].isdigit() or _is_address(text, ipaddress.IPv4Address)
    if in_brackets:
        if not (text.startswith("[") and text.endswith("]")):
            return False
        text = text[1:-1]
    return _is_address(text, ipaddress.IPv6Address)


def _is_address(text: str, kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def is_port(text: str) -> bool:
    return re.fullmatch("[0-9]{1,5}", text) is not None and 0 < int(text) < 65536


def _is_host_with_port(text: str) -> bool:
    found = HOST_WITH_PORT.fullmatch(text)
    return bool(found and is_host(found["host"]) and (found["port"] is None or is_port(found["port"])))


def host() -> Form[str]:
    def parse(text: str) -> str:
        if not is_host(text):
            raise ValueError
        return text

    return Form("a host name or an IP address, such as 127.0.0.1 or [::1]", parse, unset="")


def allowed_hosts() -> Form[list[str]]:
    """What Django compares with the Host header: names that can never be in one would match nothing."""

    def parse(text: str) -> str:
        if text != "*" and not is_host(text.removeprefix(".")):
            raise ValueError
        return text

    return list_of(Form("host names without scheme and port, such as mail.example.net or .example.net", parse))


def origins(*, wildcards: bool = False) -> Form[list[str]]:
    """Origins of pages. With `wildcards`, also `https://*.example.net`."""

    def parse(text: str) -> str:
        scheme, _, rest = text.partition("://")
        host = rest.removeprefix("*.") if wildcards else rest
        # Browsers send names in lower case, and whole texts are compared.
        if scheme not in ("http", "https") or text != text.lower() or not _is_host_with_port(host):
            raise ValueError
        return text

    return list_of(Form("origins with scheme and without path, such as https://mail.example.net", parse))


def is_url(text: str) -> bool:
    """Whether it is the URL of a server, perhaps with a path, and without user name and password."""
    # urlsplit() removes tabs and line ends in silence.
    if not text.isascii() or not text.isprintable() or re.search(r"""[\s\\"'<>?#]""", text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and _is_host_with_port(parts.netloc)


def endpoint() -> Form[str]:
    """The URL of a server. A wrong one is not shown, because it may contain a password."""

    def parse(text: str) -> str:
        if "@" in text:
            raise Refused("has a user name or password, which would be in the log; remove it, because AWS takes none")
        if not is_url(text):
            raise ValueError
        return text

    return Form("the URL of a server, such as http://127.0.0.1:5599", parse, unset="", secret=True)


def public_url() -> Form[str]:
    def parse(text: str) -> str:
        if not is_url(text):
            raise ValueError
        return text.rstrip("/")

    return Form("the URL of a server, such as https://mail.example.net", parse, unset="")


def resolvers() -> Form[list[str]]:
    def parse(text: str) -> str:
        nameserver(text)
        return text

    return list_of(Form("IP addresses, each with :port if it is not 53", parse))


def networks() -> Form[list[str]]:
    def parse(text: str) -> str:
        if "/" not in text or "%" in text:
            raise ValueError
        return str(ipaddress.ip_network(text))

    return list_of(Form("networks in CIDR notation, such as 10.20.0.0/16", parse))


def address_with_port() -> Form[str]:
    def parse(text: str) -> str:
        found = HOST_WITH_PORT.fullmatch(text)
        if not found or found["port"] is None or not _is_host_with_port(text):
            raise ValueError
        return text

    return Form("an address with a port, such as 127.0.0.1:9101", parse, unset="")


def listening_addresses() -> Form[list[str]]:
    def parse(text: str) -> str:
        return text if SOCKET.fullmatch(text) else address_with_port().parse(text)

    return list_of(Form("addresses with a port, such as 0.0.0.0:8000 or [::]:8000, or unix:/path", parse))
