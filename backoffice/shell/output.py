"""Output of commands besides their report: progress on a terminal, and names of members in JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.core.management.base import OutputWrapper

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def count(stream: OutputWrapper, what: str, number: int, total: int) -> None:
    """Show a counter on a terminal, and nothing in a log."""
    if stream.isatty():
        end = "\n" if number == total else ""
        stream.write(f"\r{what}: {number}/{total}{end}", style_func=str, ending="")
        stream.flush()


def members(value: DataclassInstance) -> dict[str, Any]:
    """The fields of a dataclass for JSON, in camelCase."""
    return asdict(value, dict_factory=_in_camel_case)


def camel_case(name: str) -> str:
    """`rule_set` becomes `ruleSet`."""
    first, *rest = name.split("_")
    return "".join([first, *map(str.capitalize, rest)])


def _in_camel_case(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {camel_case(name): value for name, value in fields}
