"""A stub resolver for many DNS questions in parallel, within one time limit.

"No such record" counts only from a server that is authoritative or recursive. Everything else is "could not be looked up".
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from socket import SOCK_DGRAM

import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.nameserver
import dns.query
import dns.rdata
import dns.resolver
from django.conf import settings
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

logger = logging.getLogger(__name__)

DNS_PORT = 53
# More questions wait, within the same time limit. A domain has nine.
MOST_AT_ONCE = 32
# A longer chain of CNAMEs is a mistake or a loop.
LONGEST_CHAIN = 10
# Largest UDP answer that is not fragmented (DNS flag day 2020). Larger ones come over TCP.
UDP_PAYLOAD = 1232
UNREADABLE = "The DNS response could not be parsed."


@dataclass(frozen=True, slots=True)
class Question:
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The values in DNS. If DNS could not be asked, `why` is a sentence with the reason."""

    values: tuple[str, ...] = ()
    why: str = ""


class LookupFailed(Exception):
    """DNS could not be asked. The message is a sentence for users."""


def ask(questions: Collection[Question], *, seconds: float | None = None) -> dict[Question, Answer]:
    """Answer all questions within `seconds`, by default DNS_TIMEOUT_SECONDS. Never raises."""
    seconds = seconds or settings.DNS_TIMEOUT_SECONDS
    deadline = time.monotonic() + seconds
    answers = dict.fromkeys(questions, Answer(why=f"DNS did not answer within {seconds:g} s."))
    if not answers:
        return answers
    pool = ThreadPoolExecutor(min(len(answers), MOST_AT_ONCE), thread_name_prefix="dns")
    try:
        resolver = _resolver()
        asked = {pool.submit(_answer, resolver, question, deadline): question for question in answers}
        for done in wait(asked, timeout=deadline - time.monotonic()).done:
            answers[asked[done]] = done.result()
    except LookupFailed as error:
        return dict.fromkeys(questions, Answer(why=str(error)))
    except Exception:
        logger.exception("DNS cannot be asked.")
        return dict.fromkeys(questions, Answer(why="DNS could not be asked. The log of the server says why."))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return answers


def nameserver(text: str) -> tuple[str, int]:
    """Address and port of `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`.

    Raises ValueError for anything else. A host name could not be resolved without a resolver.
    """
    host, port = text.strip(), str(DNS_PORT)
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"not an address: {text!r}")
        port = rest[1:] if rest else port
    elif host.count(":") == 1:
        host, port = host.split(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"not a port: {text!r}")
    return str(ipaddress.ip_address(host)), int(port)


class _Connected(dns.nameserver.Do53Nameserver):
    """A name server that is asked over a connected socket, which reports a closed port at once instead of timing out."""

    def query(
        self,
        request: dns.message.QueryMessage,
        timeout: float,
        source: str | None,
        source_port: int,
        max_size: bool,
        one_rr_per_rrset: bool = False,
        ignore_trailing: bool = False,
    ) -> dns.message.Message:
        if max_size:
            return super().query(request, timeout, source, source_port, max_size, one_rr_per_rrset, ignore_trailing)
        # dnspython's time limits use this clock. Our own time limit is kept by ask().
        expires = time.time() + timeout
        with dns.query.make_socket(dns.inet.af_for_address(self.address), SOCK_DGRAM) as udp:
            udp.connect(dns.inet.low_level_address_tuple((self.address, self.port)))
            dns.query.send_udp(udp, request, None, expires)
            reply: dns.message.Message = dns.query.receive_udp(
                udp, None, expires, raise_on_truncation=True, ignore_errors=True, query=request
            )[0]
            return reply


def _resolver() -> dns.resolver.Resolver:
    """A resolver for DNS_RESOLVERS, by default the system's. Raises LookupFailed."""
    try:
        servers = [nameserver(text) for text in settings.DNS_RESOLVERS]
        resolver = dns.resolver.Resolver(configure=not servers)
    except ValueError:
        raise LookupFailed("DNS_RESOLVERS cannot be used. `python manage.py check` says why.") from None
    except dns.resolver.NoResolverConfiguration:
        raise LookupFailed("No DNS resolver is configured. Set DNS_RESOLVERS.") from None
    servers = servers or [(str(address), DNS_PORT) for address in resolver.nameservers]
    resolver.nameservers = [_Connected(*server) for server in servers]
    # A silent server must leave time for the next one, or for a second try.
    resolver.timeout = settings.DNS_TIMEOUT_SECONDS / max(2, len(servers))
    resolver.use_edns(0, 0, UDP_PAYLOAD)
    return resolver


def _answer(resolver: dns.resolver.Resolver, question: Question, deadline: float) -> Answer:
    try:
        name = dns.name.from_text(question.name)
    except (dns.name.NameTooLong, dns.name.LabelTooLong):
        # Such a name cannot exist in DNS.
        return Answer()
    except (dns.exception.DNSException, UnicodeError):
        return Answer(why=f"{question.name} is not a name that can be looked up.")
    try:
        return Answer(values=tuple(map(_text, _values(resolver, name, question.type, deadline))))
    except LookupFailed as error:
        return Answer(why=str(error))
    except dns.exception.Timeout:
        return Answer(why=f"DNS did not answer within {settings.DNS_TIMEOUT_SECONDS:g} s.")
    except dns.resolver.NoNameservers as error:
        return Answer(why=_sentence(error))
    except dns.exception.DNSException:
        return Answer(why=UNREADABLE)
    except Exception:
        logger.exception("%s %s cannot be looked up.", question.type, question.name)
        return Answer(why=UNREADABLE)


def _values(
    resolver: dns.resolver.Resolver, name: dns.name.Name, kind: str, deadline: float
) -> Sequence[dns.rdata.Rdata]:
    """The records, or an empty list if DNS has none. Follows CNAMEs that the server has not followed itself."""
    for _ in range(LONGEST_CHAIN):
        seconds = max(0.0, deadline - time.monotonic())
        try:
            answer = resolver.resolve(name, kind, lifetime=seconds, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN as error:
            for response in error.kwargs["responses"].values():
                _require_authority(response)
            return []
        if answer.rrset is not None:
            return list(answer.rrset)
        if not answer.chaining_result.cnames:
            _require_authority(answer.response)
            return []
        name = answer.canonical_name
    raise LookupFailed("The chain of CNAMEs is too long.")


def _require_authority(response: dns.message.Message) -> None:
    """Raise LookupFailed if the server is neither authoritative nor recursive: it cannot say that a record does not exist."""
    if not response.flags & (dns.flags.AA | dns.flags.RA):
        raise LookupFailed("The DNS server refuses recursive queries. Set DNS_RESOLVERS to a resolver.")


def _text(value: dns.rdata.Rdata) -> str:
    """The value in presentation format, without the trailing dot of names; the strings of a TXT record are joined."""
    if isinstance(value, TXT):
        text = b"".join(value.strings).decode(errors="backslashreplace")
        # Escaped, because PostgreSQL cannot store NUL and a terminal interprets escape sequences.
        return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    if isinstance(value, MX):
        return f"{value.preference} {value.exchange.to_text(omit_final_dot=True)}"
    return value.to_text().removesuffix(".")


def _sentence(error: dns.resolver.NoNameservers) -> str:
    """A sentence about the last server that was asked."""
    _, _, _, what, _ = error.kwargs["errors"][-1]
    if isinstance(what, str):
        return f"The DNS server answered {what}."
    if isinstance(what, OSError):
        return "The DNS server cannot be reached."
    return UNREADABLE
