"""Tables of rows: plain text for people at a shell, and HTML for a field of an admin page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# Cells up to this length are not broken into lines.
SHORT = 24


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns as wide as they need to be, two blanks apart; a cell with several lines makes a row with several lines."""
    lines = [list(head)]
    for row in rows:
        cells = [str(cell).split("\n") for cell in row]
        height = max(len(cell) for cell in cells)
        lines += [[cell[i] if i < len(cell) else "" for cell in cells] for i in range(height)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def html_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> SafeString:
    """The same as HTML, with everything escaped that is no SafeString. Its style is in `pages.css`."""
    lines = ((format_html_join("", "<td{}>{}</td>", ((_style(cell), cell) for cell in row)),) for row in rows)
    return format_html(
        '<table class="rows cards"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>',
        format_html_join("", '<th scope="col">{}</th>', ((title,) for title in head)),
        format_html_join("", "<tr>{}</tr>", lines),
    )


def copied(text: str, what: str) -> SafeString:
    """A button that copies the text. `what` it is: a word."""
    return format_html(
        '<button type="button" class="copy" data-copy="{}" aria-label="Copy the {}">Copy</button>', text, what
    )


def _style(cell: object) -> SafeString:
    is_short = not isinstance(cell, SafeString) and len(str(cell)) <= SHORT
    return SafeString(' class="short"' if is_short else "")
