"""The repository's Markdown documents as plain values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from inbound.settings import BASE_DIR

FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.+?) *$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^()\s]+)\)")
# A cell may contain an escaped bar.
CELL_BORDER = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Page:
    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def prose(self) -> str:
        """The text without fenced code."""
        return FENCED.sub("", self.text)

    @cached_property
    def headings(self) -> list[str]:
        """As rendered: without link targets and backticks."""
        return [plain(text) for _, text in HEADING.findall(self.prose)]

    @cached_property
    def anchors(self) -> set[str]:
        """The anchors that GitHub gives to the headings."""
        anchors: dict[str, int] = {}
        found = set()
        for heading in self.headings:
            slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            count = anchors[slug] = anchors.get(slug, -1) + 1
            found.add(f"{slug}-{count}" if count else slug)
        return found

    @cached_property
    def links(self) -> list[str]:
        return LINK.findall(self.prose)

    def section(self, heading: str) -> str:
        """The text below `heading`, up to the next heading of the same or a higher level."""
        for found in HEADING.finditer(self.text):
            if plain(found[2]) == heading:
                rest = self.text[found.end() :]
                return re.split(rf"^#{{1,{len(found[1])}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]
        raise LookupError(f"{self.path} has no section {heading!r}")

    def blocks(self, language: str, section: str = "") -> list[str]:
        """The fenced code in this language, of one section or the whole page."""
        text = self.section(section) if section else self.text
        return [code for name, code in FENCED.findall(text) if name == language]


def plain(heading: str) -> str:
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")


def rows(text: str) -> list[list[str]]:
    """The cells of every table row in `text`, without heads and separators."""
    lines = text.splitlines()
    found = []
    for number, line in enumerate(lines):
        is_separator = re.fullmatch(r"\|[ :|-]+\|", line)
        is_head = number + 1 < len(lines) and re.fullmatch(r"\|[ :|-]+\|", lines[number + 1])
        if line.startswith("|") and not is_separator and not is_head:
            found.append([cell.strip() for cell in CELL_BORDER.split(line)[1:-1]])
    return found


def codes(text: str) -> list[str]:
    """The texts between backticks."""
    return re.findall(r"`([^`]+)`", text)


def page(path: str) -> Page:
    return Page(BASE_DIR / path)


PAGES = [
    page(str(path.relative_to(BASE_DIR)))
    for path in [
        *sorted(BASE_DIR.glob("*.md")),
        *sorted((BASE_DIR / "docs").rglob("*.md")),
        BASE_DIR / "deploy" / "README.md",
    ]
]
