"""The transaction before every SES call: plan from the committed rows and write the intent.

See docs/architecture/protocol.md, "Plan and write the intent".
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now

from ses_integration.conf import SesConfig
from ses_integration.coordination import lease
from ses_integration.coordination.rate_limit import claim_slot
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry
from ses_integration.plan.diff import Plan, plan
from ses_integration.plan.resources import Call, Presence
from ses_integration.reconcile import queue
from ses_integration.reconcile.snapshot import desired_of, recorded_of
from ses_integration.reconcile.steps import Blocked, Intent, Locked, NameConflict, PassState, Settled, Step, Wait, Yield

SEND_SECONDS = 10
LEASE_MARGIN_SECONDS = 10
BATCH_SECONDS = 0.1
# Enough to create or delete one domain. With more calls left, a pass lets other domains go first.
CALLS_IN_A_ROW = 4


def next_step(state: PassState, *, may_call: bool = True) -> Step:
    """Plan, then settle the domain or write one intent. Raises LeaseLost.

    Without `may_call` no intent is written: `Wait` says that there is a call left.
    """
    config, domain = state.config, state.domain
    with transaction.atomic(durable=True):
        started = time.monotonic()
        syncs = DomainSync.objects.of(config).annotate(now=Now()).filter(domain=domain)
        # Do not wait for the lock while we hold the lease: a transaction that changes many rows can hold it for long.
        sync = syncs.select_for_update(skip_locked=True).first()
        if sync is None:
            return Locked() if syncs.exists() else Settled()
        # Later than `started`, so that `until` is later than any moment at which SES can still apply the call.
        now = sync.now
        # Read after `sync` was locked: every change of a row updates `sync`, too.
        desired = desired_of(config, [domain])[domain]
        recorded = recorded_of(config, [domain], now).get(domain, [])
        work = plan(domain, desired, recorded, rule_set_full=state.rule_set_full)
        # As late as possible: until the commit, everybody who asks for the lease waits for its row.
        lease.renew(state.held)
        for kind, name in work.forget:
            LedgerEntry.objects.of(config).filter(kind=kind, name=name).delete()
        if work.settled:
            _settle(sync)
            return Settled()
        call = next((call for call in work.calls if call.key not in state.failed), None)
        if call is None:
            return Blocked(sync.generation, until=_deferred_until(config, work, now))
        if not may_call:
            return Wait(0.0)
        has_changed = state.batched_generation is not None and sync.generation > state.batched_generation
        has_long_plan = state.has_called and len(work.calls) > CALLS_IN_A_ROW
        if (has_changed or has_long_plan) and queue.ready(config).exclude(pk=sync.pk).exists():
            sync.queued_at = now
            sync.save(update_fields=["queued_at"])
            return Yield()
        if has_changed:
            return Wait(BATCH_SECONDS, sync.generation)
        if (slot := claim_slot(config)) is not None:
            return Wait(max(0.0, (slot - now).total_seconds()))
        return _write_intent(state, call, now=now, started=started, generation=sync.generation)


def _settle(sync: DomainSync) -> None:
    sync.observed_generation = sync.generation
    sync.attempts, sync.retry_at, sync.stalled, sync.last_error = 0, None, False, ""
    sync.queued_at = None
    sync.save()


def _deferred_until(config: SesConfig, work: Plan, now: datetime) -> datetime | None:
    """When the earliest in-flight call that blocks a deferred call settles."""
    names = [call.name for call in work.deferred]
    in_flight = InFlightCall.objects.of(config).filter(entry__name__in=names, until__gt=now)
    return in_flight.order_by("until").values_list("until", flat=True).first()


def _write_intent(
    state: PassState, call: Call, *, now: datetime, started: float, generation: int
) -> Intent | NameConflict:
    config = state.config
    entry, _ = LedgerEntry.objects.get_or_create(
        region=config.region,
        rule_set=config.rule_set,
        kind=call.kind,
        name=call.name,
        defaults={
            "domain": state.domain,
            # A read without an entry: the ledger of another rule set knows the identity, so it exists in the region.
            "presence": Presence.UNKNOWN if call.operation.is_read else Presence.ABSENT,
            "exists": call.operation.is_read,
            "changed_at": now,
        },
    )
    if entry.domain != state.domain:
        return NameConflict(call)
    # Calls that are due now, not when the answer comes (docs/architecture/protocol.md, "Record the answer").
    clears = tuple(entry.in_flight.filter(until__lte=now).values_list("pk", flat=True))
    in_flight_id = None
    if not call.operation.is_read:
        entry.exists = entry.presence == Presence.PRESENT or (entry.presence == Presence.UNKNOWN and entry.exists)
        entry.presence, entry.changed_at = Presence.UNKNOWN, now
        entry.save()
        # Only the recipients that the call keeps are certain from now on.
        entry.recipients.exclude(recipient__in=call.rule.recipients if call.rule else ()).delete()
        in_flight_id = InFlightCall.objects.create(
            entry=entry,
            operation=call.operation,
            recipients=sorted(call.rule.recipients) if call.rule else [],
            until=now + timedelta(seconds=SEND_SECONDS) + config.call_settle,
            fence=state.held.fence,
        ).pk
    return Intent(
        call=call,
        entry_id=entry.pk,
        in_flight_id=in_flight_id,
        clears=clears,
        generation=generation,
        send_by=min(started + SEND_SECONDS, state.held.until - LEASE_MARGIN_SECONDS),
    )
