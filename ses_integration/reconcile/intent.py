"""The transaction before every SES call: write down the intent.

See docs/architecture/protocol.md, "Plan and write the intent".
"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from ses_integration.conf import SesConfig
from ses_integration.coordination import lease
from ses_integration.coordination.lease import HeldLease
from ses_integration.coordination.rate_limit import claim_slot
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry
from ses_integration.plan.diff import plan
from ses_integration.plan.resources import Call, Presence, ResourceKind
from ses_integration.reconcile import queue
from ses_integration.reconcile.snapshot import desired_of, recorded_of
from ses_integration.reconcile.steps import Blocked, Intent, Locked, NameConflict, Settled, Step, Wait, Yield

SEND_SECONDS = 10
LEASE_MARGIN_SECONDS = 10
GATHER_SECONDS = 0.1
# So many are made at one go: what one domain's creation or deletion takes. A longer plan lets others in between.
CALLS_OF_A_TURN = 4


def next_step(
    config: SesConfig,
    held: HeldLease,
    domain: str,
    *,
    failed: Collection[tuple[ResourceKind, str]],
    gathered: int | None,
    called: bool = False,
    may_call: bool = True,
    full: bool = False,
) -> Step:
    """T2. Plans from the rows as committed, and either confirms the domain or writes one intent down.

    `gathered` is the generation that the pass has worked on so far: where it has moved on, wait a moment for more. Where it
    has moved on, or the pass has `called` and much is left to do, give way to other domains, so that neither a burst nor the
    many rules of one hold up a single change of another. Without `may_call` it only tells whether there is anything left to
    call for. `full`: SES has no room for a further rule. Raises LeaseLost.
    """
    with transaction.atomic(durable=True):
        started = time.monotonic()
        marked = DomainSync.objects.of(config).annotate(now=Now()).filter(domain=domain)
        # Not to wait here: whoever changes many rows of the domain holds the mark for as long, and we hold the lease.
        sync = marked.select_for_update(skip_locked=True).first()
        if sync is None:
            return Locked() if marked.exists() else Settled()
        # Not before `started`, so what is sent in time can no longer land at `until`.
        now = sync.now
        # The generation first, the rows after it: whoever changes a row bumps this mark, and waits for our lock.
        desired = desired_of(config, [domain])[domain]
        work = plan(domain, desired, recorded_of(config, [domain], now).get(domain, []), rule_set_full=full)
        # As late as it may be: until the end of the transaction everybody who looks for the lease waits for its row.
        lease.renew(held)
        for kind, name in work.forget:
            _row(config, kind, name).delete()
        if work.settled:
            sync.observed_generation = sync.generation
            sync.attempts, sync.retry_at, sync.stalled, sync.last_error = 0, None, False, ""
            sync.queued_at = None
            sync.save()
            return Settled()
        call = next((call for call in work.calls if call.key not in failed), None)
        if call is None:
            held_names = [call.name for call in work.deferred]
            waiting = (
                InFlightCall.objects.of(config).filter(entry__name__in=held_names, until__gt=now).order_by("until")
            )
            return Blocked(sync.generation, until=waiting.values_list("until", flat=True).first())
        if not may_call:
            return Wait(0.0)
        more_came = gathered is not None and sync.generation > gathered
        long = called and len(work.calls) > CALLS_OF_A_TURN
        if (more_came or long) and queue.ready(config).exclude(pk=sync.pk).exists():
            sync.queued_at = now
            sync.save(update_fields=["queued_at"])
            return Yield()
        if more_came:
            return Wait(GATHER_SECONDS, sync.generation)
        if (slot := claim_slot(config)) is not None:
            return Wait(max(0.0, (slot - now).total_seconds()))
        return _write_down(config, held, domain, call, now, started, sync.generation)


def _row(config: SesConfig, kind: ResourceKind, name: str) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.of(config).filter(kind=kind, name=name)


def _write_down(
    config: SesConfig, held: HeldLease, domain: str, call: Call, now: datetime, started: float, generation: int
) -> Intent | NameConflict:
    entry, _ = LedgerEntry.objects.get_or_create(
        region=config.region,
        rule_set=config.rule_set,
        kind=call.kind,
        name=call.name,
        defaults={
            "domain": domain,
            # What is to be read is there, says the ledger of another rule set; until an answer comes, nothing else is known.
            "presence": Presence.UNKNOWN if call.operation.is_read else Presence.ABSENT,
            "exists": call.operation.is_read,
            "changed_at": now,
        },
    )
    if entry.domain != domain:
        return NameConflict(call)
    # Those that are due now, and not those that will be when the answer comes
    # (docs/architecture/protocol.md, "Counterexamples", 5).
    settles = tuple(entry.in_flight.filter(until__lte=now).values_list("pk", flat=True))
    in_flight_id = None
    if not call.operation.is_read:
        entry.exists = entry.presence == Presence.PRESENT or (entry.presence == Presence.UNKNOWN and entry.exists)
        entry.presence, entry.changed_at = Presence.UNKNOWN, now
        entry.save()
        # From here on only what this call keeps is surely there, whatever becomes of its answer.
        entry.recipients.exclude(recipient__in=call.rule.recipients if call.rule else ()).delete()
        in_flight_id = InFlightCall.objects.create(
            entry=entry,
            operation=call.operation,
            recipients=sorted(call.rule.recipients) if call.rule else [],
            until=now + timedelta(seconds=SEND_SECONDS) + config.call_settle,
            fence=held.fence,
        ).pk
    return Intent(
        call=call,
        entry_id=entry.pk,
        in_flight_id=in_flight_id,
        settles=settles,
        generation=generation,
        send_by=min(started + SEND_SECONDS, held.until - LEASE_MARGIN_SECONDS),
    )
