"""Address fields, as leniently as the reference service reads them: what is no address is a name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import Any

from mail.parsing import limits
from mail.parsing.reading.fields import decode_words

# An address `{"address", "name"}`, or a group `{"name", "group"}`.
Address = dict[str, Any]

_TOKEN = re.compile(
    r"""
    "(?P<quoted>(?:[^"\\]|\\.)*)(?:"|\\?\Z)
    | \( (?P<comment>[^()]*) (?:\)|\Z)
    | <(?P<angle>[^>]*)(?:>|\Z)
    | (?P<mark>[,;:])
    | (?P<text>[^"(<,;:]+)
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


@dataclass(slots=True)
class _Entry:
    """What stands between two commas."""

    words: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angle: str | None = None
    # A quoted string may be the local part of the address that follows.
    after_quoted: str | None = None

    @property
    def name(self) -> str:
        return " ".join(" ".join(self.words or self.comments).split())

    def add_text(self, text: str) -> None:
        if self.after_quoted is not None and text.startswith("@") and self.angle is None:
            self.words.pop()
            domain, _, text = text.partition(" ")
            self.angle = self.after_quoted + domain
        self.after_quoted = None
        if text.strip():
            self.words.append(text)

    def add_quoted(self, token: str, content: str) -> None:
        self.words.append(_QUOTED_PAIR.sub(r"\1", content))
        self.after_quoted = token

    def found(self) -> list[Address]:
        address = self.angle
        if (address is None and self.after_quoted is None) or address == "":
            address = self._bare_address()
        address = (address or "").rpartition("<")[2].strip()
        if '"' not in address:
            address = "".join(address.split())
        name = decode_words(self.name)
        if not address:
            return _hidden_in(name) if name else []
        if "@" not in address and not name:
            return [{"address": "", "name": decode_words(address)}]
        return [{"address": address, "name": "" if name == address else name}]

    def _bare_address(self) -> str | None:
        """Take the address out of the words, if there is one without angle brackets."""
        words = " ".join(self.words).split()
        for position in range(len(words) - 1, -1, -1):
            if _is_address(words[position]):
                address = words.pop(position)
                self.words = words
                return address
        return None


def _is_address(word: str) -> bool:
    local, _, domain = word.rpartition("@")
    return bool(local and domain)


def _hidden_in(name: str) -> list[Address]:
    """Some senders encode name and address as one encoded word."""
    text, _, rest = name.rpartition("<")
    address = rest.removesuffix(">").strip()
    if rest.endswith(">") and _is_address(address):
        return [{"address": address, "name": text.strip().strip('"')}]
    return [{"address": "", "name": name}]


def parse_addresses(value: str, truncated: set[str]) -> list[Address]:
    """The addresses and groups of a header value that is not decoded yet."""
    found: list[Address] = []
    group: Address | None = None
    entry = _Entry()
    count = 0
    for token in _TOKEN.finditer(value):
        kind = token.lastgroup
        if kind == "mark":
            if token[0] == ":" and group is None:
                group = {"name": decode_words(entry.name), "group": []}
                found.append(group)
            else:
                new = entry.found()
                count += len(new)
                (found if group is None else group["group"]).extend(new)
                if token[0] == ";":
                    group = None
            entry = _Entry()
            if count >= limits.ADDRESSES:
                truncated.add("addresses")
                return found
        elif kind == "text":
            entry.add_text(token["text"])
        elif kind == "quoted":
            entry.add_quoted(token[0], token["quoted"])
        elif kind == "comment":
            entry.comments.append(token["comment"])
        elif kind == "angle" and not entry.angle:
            entry.angle = token["angle"]
    (found if group is None else group["group"]).extend(entry.found())
    return found


def shown(addresses: list[Address]) -> dict[str, Any]:
    """The value of an address field in `headers`."""
    return {"value": addresses, "html": _as_html(addresses), "text": as_text(addresses)}


def flattened(addresses: list[Address]) -> list[dict[str, str | None]]:
    """Members instead of groups. An empty group, such as undisclosed recipients, is a name without an address."""
    result: list[dict[str, str | None]] = []
    for address in addresses:
        if address.get("group"):
            result.extend(flattened(address["group"]))
        else:
            result.append({"name": address["name"] or None, "address": address.get("address") or None})
    return result


def as_text(addresses: list[Address]) -> str:
    return ", ".join(_text_of(address) for address in addresses)


def _text_of(address: Address) -> str:
    name = f'"{address["name"]}"' if address["name"] else ""
    if "group" in address:
        return f"{name}{': ' if name else ''}{as_text(address['group'])};"
    if not address["address"]:
        return name
    return f"{name} <{address['address']}>" if name else str(address["address"])


def _as_html(addresses: list[Address]) -> str:
    return ", ".join(f'<span class="mp_address_group">{_html_of(address)}</span>' for address in addresses)


def _html_of(address: Address) -> str:
    is_group = "group" in address
    text = escape(address["name"] + (": " if is_group else ""))
    name = f'<span class="mp_address_name">{text}</span>' if address["name"] else ""
    if is_group:
        return f"{name}{_as_html(address['group'])};"
    if not address["address"]:
        return name
    mail = escape(address["address"])
    link = f'<a href="mailto:{mail}" class="mp_address_email">{mail}</a>'
    return f"{name} &lt;{link}&gt;" if name else link
