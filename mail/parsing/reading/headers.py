"""The fields of a mail as the reference service shows them (docs/architecture/mail.md, "Parsed mail")."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from mail.parsing.reading.addresses import Address, as_text, flattened, parse_addresses, shown
from mail.parsing.reading.fields import Fields, decode_words, parameters

_ADDRESSES = {
    "from",
    "to",
    "cc",
    "bcc",
    "sender",
    "reply-to",
    "delivered-to",
    "return-path",
    "disposition-notification-to",
}
_WITH_PARAMETERS = {"content-type", "content-disposition", "dkim-signature"}
_PRIORITIES = {"priority", "x-priority", "x-msmail-priority", "importance"}
_PRIORITY_WORDS = {"high": "high", "urgent": "high", "low": "low", "non-urgent": "low"}
# A repeated field becomes an array, except these: the last one counts.
_ONCE = {
    "message-id",
    "content-id",
    "from",
    "sender",
    "in-reply-to",
    "reply-to",
    "subject",
    "date",
    "content-disposition",
    "content-type",
    "content-transfer-encoding",
    "priority",
    "mime-version",
    "content-description",
    "precedence",
    "errors-to",
    "disposition-notification-to",
}
_WIRE_NAMES = {"from": "from", "to": "to", "cc": "cc", "bcc": "bcc", "reply-to": "replyTo"}


class Headers:
    """The fields of one mail. `shown` is the object of the API; the rest are the values that a row has."""

    def __init__(self, fields: Fields, truncated: set[str]) -> None:
        self._addresses: dict[str, list[Address]] = {}
        self.references: list[str] = []
        self.date: str | None = None
        self.shown: dict[str, Any] = {}
        lists: dict[str, dict[str, str]] = {}
        for name, value in fields:
            if name in _ADDRESSES:
                addresses = parse_addresses(value, truncated)
                self._remember(name, addresses)
                self._show(name, shown(addresses))
            elif name.startswith("list-"):
                described = _list_field(parse_addresses(value, truncated))
                if described:
                    lists[name.removeprefix("list-")] = described
            else:
                self._show(*self._plain(name, value))
        if lists:
            self.shown["list"] = lists
        for name, value in self.shown.items():
            if isinstance(value, list) and (len(value) == 1 or name in _ONCE):
                self.shown[name] = value[-1]

    @property
    def addresses(self) -> dict[str, Any]:
        """Each kind of address, flattened. Fields that came twice are one list."""
        return {wire: self._flat(self._addresses.get(name)) for name, wire in _WIRE_NAMES.items()}

    def text(self, name: str) -> str | None:
        value = self.shown.get(name)
        return value if isinstance(value, str) and value else None

    def _remember(self, name: str, addresses: list[Address]) -> None:
        if name in _ONCE:
            self._addresses[name] = addresses
        else:
            self._addresses.setdefault(name, []).extend(addresses)

    @staticmethod
    def _flat(addresses: list[Address] | None) -> dict[str, Any] | None:
        return {"text": as_text(addresses), "addresses": flattened(addresses)} if addresses else None

    def _show(self, name: str, value: Any) -> None:
        """An empty value is not shown."""
        if value:
            shown_so_far = self.shown.setdefault(name, [])
            if isinstance(value, list):
                shown_so_far.extend(value)
            else:
                shown_so_far.append(value)

    def _plain(self, name: str, value: str) -> tuple[str, Any]:
        if name in _WITH_PARAMETERS:
            main, found = parameters(value)
            return name, {"value": main, "params": found}
        if name == "date":
            self.date = _iso_date(value)
            return name, self.date or value
        if name in _PRIORITIES:
            return "priority", _priority(value)
        value = decode_words(value)
        if name == "references":
            references = list(filter(None, map(_message_id, value.split())))
            self.references += references
            return name, references
        if name in ("message-id", "in-reply-to"):
            return name, _message_id(value)
        return name, value


def _iso_date(value: str) -> str | None:
    """As JavaScript writes it, in UTC. A date without a zone is taken for UTC."""
    try:
        date = parsedate_to_datetime(value[:200])
        date = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return f"{date:%Y-%m-%dT%H:%M:%S}.000Z".zfill(24)


def _priority(value: str) -> str:
    number = re.match(r"\s*(-?\d{1,9})", value)
    if number is None:
        return _PRIORITY_WORDS.get(value.strip().lower(), "normal")
    rank = int(number[1])
    return "normal" if rank == 3 else "low" if rank > 3 else "high"


def _message_id(value: str) -> str | None:
    value = value.strip()
    if not value:
        return None
    return ("" if value.startswith("<") else "<") + value + ("" if value.endswith(">") else ">")


def _list_field(addresses: Iterable[Address]) -> dict[str, str]:
    """A List-… field: its last web address, mail address, id and name."""
    result: dict[str, str] = {}
    for address in addresses:
        name, target = address["name"], address.get("address", "")
        for text in filter(None, (name, target)):
            if re.match(r"https?:", text, re.IGNORECASE):
                result["url"] = text
            elif text is target and "@" in text:
                result["mail"] = re.sub(r"^mailto:", "", text, flags=re.IGNORECASE)
            else:
                result["id" if text is target else "name"] = text
    return result
