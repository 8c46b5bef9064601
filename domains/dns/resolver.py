"""A stub resolver for many DNS questions at once, within one time limit.

"No such record" counts only from a server that is authoritative or recursive. Everything else is "could not be looked up".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdata
import dns.resolver
from django.conf import settings
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from domains.dns.nameserver import DNS_PORT, Nameserver, NotRecursive, nameserver

logger = logging.getLogger(__name__)

T = TypeVar("T")
# A longer chain of CNAMEs is a mistake or a loop.
LONGEST_CHAIN = 10
# Largest UDP answer that is not fragmented (DNS flag day 2020). Larger ones come over TCP.
UDP_PAYLOAD = 1232
UNREADABLE = "The DNS response could not be parsed."
UNEXPECTED = "DNS could not be asked. The log of the server says why."


@dataclass(frozen=True, slots=True)
class Question:
    """`until`: for a CNAME, the target that is looked for. The chain is followed until it is found."""

    name: str
    type: str
    until: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The values in DNS. If DNS could not be asked, `why` is a sentence with the reason."""

    # The targets of a chain of CNAMEs in their order; otherwise in the order of the server.
    values: tuple[str, ...] = ()
    why: str = ""
    # The single strings of TXT values that have several.
    parts: tuple[str, ...] = ()


Ask = Callable[[Question], Awaitable[Answer]]


class LookupFailed(Exception):
    """DNS could not be asked. The message is a sentence for users."""


def ask(questions: Collection[Question], *, seconds: float | None = None) -> dict[Question, Answer]:
    """Answer all questions within `seconds`, by default DNS_TIMEOUT_SECONDS. Never raises."""
    if not questions:
        return {}

    async def all_answers(ask_one: Ask) -> dict[Question, Answer]:
        return dict(zip(questions, await asyncio.gather(*map(ask_one, questions)), strict=True))

    try:
        return run(all_answers, seconds=seconds)
    except LookupFailed as error:
        return dict.fromkeys(questions, Answer(why=str(error)))


def run(work: Callable[[Ask], Coroutine[Any, Any, T]], *, seconds: float | None = None) -> T:
    """Run a coroutine function that asks DNS, and return its result.

    The function that it gets answers a question. It never raises, asks equal questions once, and ends within `seconds`, by
    default DNS_TIMEOUT_SECONDS. Raises LookupFailed if DNS cannot be asked at all.
    """
    try:
        return asyncio.run(_run(work, settings.DNS_TIMEOUT_SECONDS if seconds is None else max(0.0, seconds)))
    except LookupFailed:
        raise
    except Exception as error:
        logger.exception("DNS cannot be asked.")
        raise LookupFailed(UNEXPECTED) from error


async def _run(work: Callable[[Ask], Coroutine[Any, Any, T]], seconds: float) -> T:
    lookups = _Lookups(seconds)
    try:
        await lookups.open()
        return await work(lookups.ask)
    finally:
        lookups.close()


class _Lookups:
    """Look-ups with one deadline. Each question is asked once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._asked: dict[Question, asyncio.Task[Answer]] = {}
        self._resolver, self._servers = _resolver(seconds)

    async def open(self) -> None:
        for server in self._servers:
            # Without a route to this server the others are asked.
            with suppress(OSError):
                await server.open()

    def close(self) -> None:
        for server in self._servers:
            server.close()

    async def ask(self, question: Question) -> Answer:
        if question not in self._asked:
            self._asked[question] = asyncio.create_task(self._answer(question))
        return await self._asked[question]

    async def _answer(self, question: Question) -> Answer:
        try:
            name = dns.name.from_text(question.name, idna_codec=dns.name.IDNA_2008_UTS_46)
        except (dns.name.NameTooLong, dns.name.LabelTooLong):
            # Such a name cannot exist in DNS.
            return Answer()
        except (dns.exception.DNSException, UnicodeError):
            return Answer(why=f"{question.name} is not a name that can be looked up.")
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._values(name, question)
        except LookupFailed as error:
            return Answer(why=str(error))
        except (TimeoutError, dns.exception.Timeout):
            return Answer(why=f"DNS did not answer within {self._seconds:.3g} s.")
        except dns.resolver.NoNameservers as error:
            return Answer(why=_sentence(error))
        except dns.exception.DNSException:
            return Answer(why=UNREADABLE)
        except Exception:
            logger.exception("%s %s cannot be looked up.", question.type, question.name)
            return Answer(why=UNREADABLE)

    async def _values(self, name: dns.name.Name, question: Question) -> Answer:
        """The records, or an empty answer if DNS has none. Follows CNAMEs that the server has not followed itself."""
        targets: list[str] = []
        for _ in range(LONGEST_CHAIN):
            found = await self._records(name, question.type)
            if found is None:
                return Answer(tuple(targets))
            if question.type == "CNAME" and found.rrset:
                name = found.rrset[0].target
                targets.append(_text(found.rrset[0]))
                if not question.until or targets[-1].lower() == question.until.lower():
                    return Answer(tuple(targets))
            elif found.rrset and (question.type != "NS" or found.canonical_name == name):
                return Answer(tuple(map(_text, found.rrset)), parts=_parts(found.rrset))
            elif found.chaining_result.cnames and question.type != "NS":
                name = found.canonical_name
            else:
                return Answer(tuple(targets))
        raise LookupFailed("The chain of CNAMEs is too long.")

    async def _records(self, name: dns.name.Name, kind: str) -> dns.resolver.Answer | None:
        """What the servers answer; None if the name does not exist."""
        seconds = max(0.0, self._deadline - asyncio.get_running_loop().time())
        try:
            return await self._resolver.resolve(name, kind, lifetime=seconds, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return None


def _resolver(seconds: float) -> tuple[dns.asyncresolver.Resolver, list[Nameserver]]:
    """A resolver that asks DNS_RESOLVERS, by default the system's, and its servers. Raises LookupFailed."""
    try:
        addresses = [nameserver(text) for text in settings.DNS_RESOLVERS]
        resolver = dns.asyncresolver.Resolver(configure=not addresses)
    except dns.resolver.NoResolverConfiguration:
        raise LookupFailed("No DNS resolver is configured. Set DNS_RESOLVERS.") from None
    addresses = addresses or [(str(address), DNS_PORT) for address in resolver.nameservers]
    servers = [Nameserver(*address) for address in addresses]
    resolver.nameservers = servers
    # Time for each server, and for a second try without EDNS.
    resolver.timeout = seconds / (len(servers) + 1)
    resolver.use_edns(0, 0, UDP_PAYLOAD)
    return resolver, servers


def _parts(values: Iterable[dns.rdata.Rdata]) -> tuple[str, ...]:
    texts = [list(value.strings) for value in values if isinstance(value, TXT)]
    return tuple(_printable(part) for strings in texts if len(strings) > 1 for part in strings)


def _text(value: dns.rdata.Rdata) -> str:
    """The value in presentation format, without the trailing dot of names; the strings of a TXT record are joined."""
    if isinstance(value, TXT):
        return _printable(b"".join(value.strings))
    if isinstance(value, MX):
        return f"{value.preference} {value.exchange.to_text(omit_final_dot=True)}"
    return value.to_text().removesuffix(".")


def _printable(text: bytes) -> str:
    """Escaped, because PostgreSQL cannot store NUL and a terminal interprets escape sequences."""
    decoded = text.decode(errors="backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in decoded)


def _sentence(error: dns.resolver.NoNameservers) -> str:
    """A sentence about the last server that was asked."""
    _, over_tcp, _, what, _ = error.kwargs["errors"][-1]
    if isinstance(what, str):
        return f"The DNS server answered {what}."
    if isinstance(what, NotRecursive):
        return "The DNS server refuses recursive queries. Set DNS_RESOLVERS to a resolver."
    if isinstance(what, OSError | EOFError):
        return f"The DNS server cannot be reached{' over TCP, which this answer needs' if over_tcp else ''}."
    return UNREADABLE
