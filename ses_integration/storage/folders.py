"""Folders in the bucket, by domain: `emails/<domain>/<domain id>/` for ours, and what the reference service has stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ses_integration.aws.observed import ObservedRule
from ses_integration.storage import inventory
from ses_integration.storage.inventory import Stored

ROOT = "emails/"
# As `rest.ids.domain_id` makes them; a folder with another name was not made by an installation of inbound.
DOMAIN_ID = re.compile(r"indm_[A-Za-z0-9_-]{21}")


@dataclass(frozen=True, slots=True)
class ReferenceMail:
    """Mail that the reference service has stored: directly under the domain, or below `catchall/`."""

    domain: str
    stored: Stored


def list_folders(
    domain: str = "", *, progress: Callable[[int, int], None] = lambda number, total: None
) -> tuple[list[str], list[ReferenceMail]]:
    """List the prefixes of all folders like ours, and the mail of the reference service; of one domain if it is given.

    One call for each domain in the bucket. `progress` is called after each, with its number (from 1) and how many there are.
    Raises SesError.
    """
    tops = [f"{ROOT}{domain}/"] if domain else inventory.folders(ROOT)[0]
    found: list[str] = []
    reference: list[ReferenceMail] = []
    for number, top in enumerate(tops, 1):
        below, direct = inventory.folders(top)
        if f"{top}catchall/" in below:
            direct += inventory.count(f"{top}catchall/")
        if direct.versions:
            reference.append(ReferenceMail(top.split("/")[1], direct))
        found += [prefix for prefix in below if DOMAIN_ID.fullmatch(prefix.split("/")[2])]
        progress(number, len(tops))
    return found, reference


def rule_storing_in(rules: Iterable[ObservedRule], prefix: str) -> str:
    """The name of a rule that stores mail under `prefix`, which begins with the bucket, or an empty string."""
    return next((rule.name for rule in rules for key in rule.key_prefixes if key.startswith(prefix)), "")
