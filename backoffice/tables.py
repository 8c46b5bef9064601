"""Plain text tables for people at a shell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


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
