"""Sync state of domain names: whether SES follows their rows, and if not, why."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max
from django.utils import timezone

from ses_integration.aws.clients import have_credentials
from ses_integration.conf import ses_config
from ses_integration.models import DomainSync, InFlightCall
from ses_integration.status import wording


class SyncStatus(enum.Enum):
    """Whether SES follows the rows of a domain name. People read `label`; JSON carries `wire`, which never changes."""

    UP_TO_DATE = ("up to date", "in line")
    PENDING = ("pending", "owed")
    UNCONFIRMED = ("unconfirmed", "in doubt")
    NEEDS_ATTENTION = ("needs attention", "needs attention")

    def __init__(self, label: str, wire: str) -> None:
        self.label = label
        self.wire = wire


@dataclass(frozen=True, slots=True)
class SyncState:
    """A status and its reason. `retry_at` is None if nothing is left to do or it is due now."""

    status: SyncStatus
    reason: str = ""
    retry_at: datetime | None = None

    def __str__(self) -> str:
        """The state for people, such as `pending: AWS gave no answer.`"""
        return f"{self.status.label}: {self.reason}" if self.reason else self.status.label


def state_of(sync: DomainSync | None, unknown_until: datetime | None) -> SyncState:
    """State of one name. `unknown_until`: until when SES can apply its last in-flight call, or None."""
    if sync is None:
        return SyncState(SyncStatus.PENDING, wording.NOT_TRIED)
    if sync.stalled:
        return SyncState(SyncStatus.NEEDS_ATTENTION, sync.last_error, sync.retry_at)
    if unknown_until is not None and unknown_until > timezone.now():
        return SyncState(SyncStatus.UNCONFIRMED, wording.unanswered(unknown_until), unknown_until)
    if sync.pending or unknown_until is not None:
        return SyncState(SyncStatus.PENDING, sync.last_error or wording.NOT_TRIED, sync.retry_at)
    return SyncState(SyncStatus.UP_TO_DATE)


def sync_states(domains: Iterable[str]) -> dict[str, SyncState]:
    """State of each name; two statements for any number of names."""
    config, names = ses_config(), set(domains)
    syncs = {sync.domain: sync for sync in DomainSync.objects.of(config).filter(domain__in=names)}
    in_flight = InFlightCall.objects.of(config).filter(entry__domain__in=names).order_by()
    unknown_until = dict(in_flight.values_list("entry__domain").annotate(Max("until")))
    return {name: state_of(syncs.get(name), unknown_until.get(name)) for name in names}


def configured() -> bool:
    """Whether SES can be called at all: a region and credentials are set. The credentials are not tried."""
    return bool(ses_config().region) and have_credentials()
