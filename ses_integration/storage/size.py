"""How much SES has stored under one prefix, looked at within bounds and without reading any of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ses_integration.errors import SesError
from ses_integration.storage.inventory import Stored, counted, pages

MOST_PAGES = 10
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Size:
    """`stored` is at least what there is, and all of it if `complete`. None: nobody could look, and `why` is a sentence."""

    stored: Stored | None
    complete: bool = False
    why: str = ""


def measure(prefix: str, most_pages: int = MOST_PAGES) -> Size:
    """Up to `most_pages` calls for 1,000 versions each; none begins after ten seconds. Never raises."""
    found = Stored()
    until = time.monotonic() + PATIENCE_SECONDS
    try:
        for number, page in enumerate(pages(prefix), 1):
            found += counted(page)
            if not page.get("IsTruncated"):
                return Size(found, complete=True)
            if number >= most_pages or time.monotonic() >= until:
                break
    except SesError as error:
        return Size(None, why=error.sentence)
    return Size(found)
