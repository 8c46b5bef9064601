"""What published values mean to the mail systems that read them. Pure functions."""

from __future__ import annotations

import re

from domains.dns.records import Record
from domains.dns.resolver import Question
from domains.names import ancestors, registrable

SES = "amazonses.com"
POLICIES = frozenset({"none", "quarantine", "reject"})
# RFC 7208, 4.6.1: mechanisms, and those that need a value.
MECHANISMS = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})
NEED_A_VALUE = frozenset({"include", "ip4", "ip6", "exists"})
MECHANISM = re.compile(r"([+?~-]?)([a-z0-9]+)(?::([^\s/]\S*)|/\S+)?")
MODIFIER = re.compile(r"([a-z][a-z0-9._-]*)=(\S*)")
# The value of the version counts exactly (RFC 7489, 6.4).
DMARC = re.compile(r"[vV]\s*=\s*DMARC1\s*(;|$)")


class InvalidSpf(ValueError):
    """An SPF record that receivers do not evaluate (permerror). The message is the term that they do not understand."""


def question(record: Record) -> Question:
    return Question(record.name, record.type, until=record.value if record.type == "CNAME" else "")


def zones_above(name: str) -> list[str]:
    """The name and its parents up to the registered domain: what can be a zone of its owner."""
    names = [name, *ancestors(name)]
    return names[: names.index(registrable(name)) + 1]


def host(value: str) -> str:
    """The host of an MX or CNAME value, in lower case and without trailing dot. Empty for a null MX."""
    return value.strip().rpartition(" ")[2].rstrip(".").lower()


def preference(value: str) -> int:
    """The preference of an MX value. Mail goes to the lowest number first."""
    return int(value.split()[0])


def is_spf(text: str) -> bool:
    """Whether receivers take the text for an SPF record (RFC 7208, 4.5). A tab does not end the version."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def passes(spf: str) -> list[str]:
    """The names whose SPF records decide that mail passes: `include` without another qualifier, and `redirect`.

    Nothing counts after `all`, which always matches. Raises InvalidSpf.
    """
    included, redirect, ended = [], "", False
    for term in spf.lower().split(" ")[1:]:
        if not term:
            continue
        if modifier := MODIFIER.fullmatch(term):
            redirect = modifier[2] if modifier[1] == "redirect" else redirect
            continue
        mechanism = MECHANISM.fullmatch(term)
        if not mechanism or mechanism[2] not in MECHANISMS or (mechanism[2] in NEED_A_VALUE and not mechanism[3]):
            raise InvalidSpf(term)
        if mechanism[2] == "include" and mechanism[1] in ("", "+") and not ended:
            included.append(mechanism[3].rstrip("."))
        ended = ended or mechanism[2] == "all"
    return included if ended or not redirect else [*included, redirect.rstrip(".")]


def is_dmarc(text: str) -> bool:
    return DMARC.match(text) is not None


def has_policy(dmarc: str) -> bool:
    """Whether a DMARC record has a valid policy (`p`), which it must (RFC 7489, 6.3)."""
    tags = [tag.partition("=") for tag in dmarc.lower().split(";")]
    return any(name.strip() == "p" and value.strip() in POLICIES for name, _, value in tags)


def dkim_key(text: str) -> str:
    """The public key of a DKIM record (RFC 6376, 3.6.1), or an empty text."""
    tags = [tag.partition("=") for tag in text.split(";")]
    return next(("".join(value.split()) for name, _, value in tags if name.strip() == "p"), "")
