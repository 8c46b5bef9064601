"""Folders in the bucket, by domain: ours (`emails/<domain>/<domain id>/`) and the reference service's."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ses_integration.storage import inventory
from ses_integration.storage.inventory import Stored

ROOT = "emails/"
# As `rest.ids.domain_id` makes them. A folder with another name was not made by inbound.
DOMAIN_ID = re.compile(r"indm_[A-Za-z0-9_-]{21}")


@dataclass(frozen=True, slots=True)
class ReferenceMail:
    """Mail of a domain that the reference service stored: directly under the domain, or below `catchall/`."""

    domain: str
    stored: Stored


def list_folders(domain: str, *, progress: Callable[[int, int], None]) -> tuple[list[str], list[ReferenceMail]]:
    """List the prefixes of all folders like ours, and the mail of the reference service, of one domain or all.

    One call for each domain. `progress` is called after each with its number, from 1, and the total. Raises SesError.
    """
    domain_folders = [f"{ROOT}{domain}/"] if domain else inventory.folders(ROOT)[0]
    found: list[str] = []
    reference: list[ReferenceMail] = []
    for number, folder in enumerate(domain_folders, 1):
        below, direct = inventory.folders(folder)
        if f"{folder}catchall/" in below:
            direct += inventory.count(f"{folder}catchall/")
        if direct.versions:
            reference.append(ReferenceMail(folder.split("/")[1], direct))
        found += [prefix for prefix in below if DOMAIN_ID.fullmatch(prefix.split("/")[2])]
        progress(number, len(domain_folders))
    return found, reference
