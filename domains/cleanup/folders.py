"""The folders in the bucket that belong to no domain of ours, and what may be done with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from domains.models import Domain, DomainDeletion
from ses_integration.aws.observed import ObservedRule
from ses_integration.storage import inventory
from ses_integration.storage.inventory import Stored

ROOT = "emails/"
# domains.ids.domain_id; anything else in this place was not made by an installation of inbound.
DOMAIN_ID = re.compile(r"indm_[A-Za-z0-9_-]{21}")


@dataclass(frozen=True, slots=True)
class Folder:
    """`emails/<domain>/<domain id>/` of a life that is over, or of nobody we know.

    `recorded`: its deletion is recorded here, so it was ours. `rule`: one that SES holds and that stores mail there.
    `owner`: another installation, whose tag the domain's identity carries.
    """

    prefix: str
    domain: str
    stored: Stored
    recorded: bool = False
    rule: str = ""
    owner: str = ""

    @property
    def somebody_s(self) -> bool:
        return bool(self.rule or (self.owner and not self.recorded))


@dataclass(frozen=True, slots=True)
class ReferenceMail:
    """What the reference service has stored: directly under the domain, or below `catchall/`."""

    domain: str
    stored: Stored


def find(
    bucket: str,
    rules: Sequence[ObservedRule],
    owners: Mapping[str, str],
    *,
    domain: str,
    told: Callable[[int, int], None],
) -> tuple[list[Folder], list[ReferenceMail]]:
    """What is of nobody, and what is of the reference service; of one domain if it is named. `owners`: other installations.

    Looks through the bucket: a call for each domain in it, and one for each 1,000 versions that are in a folder of nobody.

    `told` is called after each domain, with its number (from 1) and how many there are. Raises SesError.
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
        told(number, len(tops))
    # Asked after the bucket: a domain that was added meanwhile is no stranger.
    live, pending, recorded = _lives()
    folders: list[Folder] = []
    for prefix in found:
        name, pk = prefix.split("/")[1:3]
        if pk not in live | pending and (stored := inventory.count(prefix)).versions:
            rule = storing(rules, f"{bucket}/{prefix}")
            folders.append(Folder(prefix, name, stored, pk in recorded, rule, owners.get(name, "")))
    return folders, reference


def storing(rules: Iterable[ObservedRule], folder: str) -> str:
    """The name of a rule that stores mail in the folder (with its bucket in front), or an empty string."""
    return next((rule.name for rule in rules for key in rule.key_prefixes if key.startswith(folder)), "")


def nobody_s(folder: Folder) -> bool:
    """Whether it still belongs to no domain and to no deletion that has yet to erase it."""
    live, pending, _ = _lives(folder.prefix.split("/")[2])
    return not live and not pending


def _lives(pk: str | None = None) -> tuple[set[str], set[str], set[str]]:
    """Domain ids: of rows, also of those that are being deleted; of deletions that still erase, or that keep the mail; of all
    deletions."""
    domains, deletions = Domain.objects.all(), DomainDeletion.objects.all()
    if pk is not None:
        domains, deletions = domains.filter(pk=pk), deletions.filter(domain_id=pk)
    pending = deletions.filter(stored_mail__in=[DomainDeletion.Step.PENDING, DomainDeletion.Step.KEPT])
    return (
        set(domains.values_list("pk", flat=True)),
        set(pending.values_list("domain_id", flat=True)),
        set(deletions.values_list("domain_id", flat=True)),
    )
