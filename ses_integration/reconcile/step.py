"""One step of a pass: record the answer to the last call, and settle the domain or write the intent of the next call.

Both are one transaction, so that without a rate limit n calls take n + 1. docs/architecture/protocol.md, "Plan and write
the intent" and "Settle in memory".
"""

from __future__ import annotations

import json
import time

from django.db import transaction
from django.db.models.functions import Now

from ses_integration.conf import SesConfig
from ses_integration.coordination import lease
from ses_integration.coordination.rate_limit import claim_slot, delay_next_slot
from ses_integration.errors import TooManyRecipients
from ses_integration.models import DomainSync, LedgerEntry, LedgerIdentity, statements
from ses_integration.models.statements import After
from ses_integration.plan.resources import Call, Presence, RecordedResource, ResourceKind
from ses_integration.reconcile import queue, record
from ses_integration.reconcile.queue import LockedDomain
from ses_integration.reconcile.snapshot import Snapshot
from ses_integration.reconcile.values import (
    Answered,
    Blocked,
    Intent,
    LeaseTaken,
    Locked,
    NameConflict,
    PassState,
    Settled,
    Step,
    Wait,
    Yield,
)

SEND_SECONDS = 10
LEASE_MARGIN_SECONDS = 10
BATCH_SECONDS = 0.1
# If slots are further apart, a pass waits so long before its first call, so that changes of the same moment share the call.
GATHER_SECONDS = 0.05
# A pass that begins so soon after several changes were observed together expects more from the same clients.
BUSY_SECONDS = 0.25
# Enough to create or delete one domain. With more calls left, a pass lets other domains go first.
CALLS_IN_A_ROW = 4
MAX_FAILURES_OF_FIRST_PASS = 3


def advance(state: PassState, answered: Answered | None = None, *, may_call: bool = True) -> Step:
    """Record the answer to the last call, if there is one, and decide on the next step, in one transaction.

    Raises LeaseLost if another process has taken over: then nothing is recorded, and the intent of the call stays. Without
    `may_call` no intent is written: `Wait` says that there is a call left.
    """
    with transaction.atomic(durable=True):
        step = _begin(state, may_call=may_call) if answered is None else _continue(state, answered, may_call=may_call)
    if isinstance(step, Settled | Yield) and state.held is not None:
        # Only now: a transaction that fails to commit has released nothing.
        state.held.released = True
    return step


def _begin(state: PassState, *, may_call: bool) -> Step:
    """The first step, and every step after a pause. Takes the lease and chooses the domain, if the pass has none yet."""
    started, config = time.monotonic(), state.config
    if state.held is not None:
        lease.renew(state.held)
        locked = queue.lock(config, state.domain)
    elif held := lease.acquire(config):
        locked = queue.lock_next(config, state.domain) or queue.lock(config, state.domain)
        if locked is None:
            lease.hand_back(held)
        else:
            state.held, state.domain = held, locked.domain
    else:
        return LeaseTaken()
    if locked is not None:
        return _plan_next(state, locked, _load(config, locked), started, may_call=may_call)
    if queue.exists(config, state.domain):
        return Locked()
    if state.held is not None:
        lease.hand_back(state.held)
    return Settled(0)


def _continue(state: PassState, answered: Answered, *, may_call: bool) -> Step:
    """The step after a call. Settles the domain in memory, if the answer leaves nothing to do and no row has changed."""
    started, config, held = time.monotonic(), state.config, state.holder
    intent = answered.intent
    answered = Answered(intent, record.normalized(intent.call, answered.answer))
    resource = record.after(answered)
    snapshot = intent.snapshot.with_resource(resource)
    work = snapshot.plan(rule_set_full=state.rule_set_full)
    settled = work.settled and _settle(snapshot)
    # Check the lease before locking the slot or the ledger: without it, we could deadlock with the next holder.
    if settled:
        lease.hand_back(held)
    else:
        lease.renew(held)
    next_slot = delay_next_slot(config)
    forget = settled and resource.key in work.forget
    record.write(config, answered, resource, in_outage=held.in_outage, forget=forget)
    if settled:
        return Settled(snapshot.generation, in_flight=snapshot.in_flight)
    locked = queue.lock(config, state.domain)
    if locked is None:
        return Locked()
    if snapshot.generation != locked.generation or isinstance(answered.answer.error, TooManyRecipients):
        snapshot = _load(config, locked)
    return _plan_next(state, locked, snapshot, started, may_call=may_call, next_slot=next_slot)


def _load(config: SesConfig, locked: LockedDomain) -> Snapshot:
    snapshot = Snapshot.load(config, locked)
    queue.record_read(config, locked, snapshot.change_log)
    return snapshot


def _plan_next(
    state: PassState,
    locked: LockedDomain,
    snapshot: Snapshot,
    started: float,
    *,
    may_call: bool,
    next_slot: float = 0.0,
) -> Step:
    """Settle a locked domain or write an intent. `next_slot`: in how many seconds the rate limit allows another call."""
    config, held = state.config, state.holder
    if _gives_up(state, locked.attempts):
        # The failures are those of the generation that was planned.
        return Blocked(
            snapshot.generation if state.batched_generation is None else state.batched_generation, until=None
        )
    work = snapshot.plan(rule_set_full=state.rule_set_full)
    for key in work.forget:
        _forget(snapshot.resources[key])
    snapshot = snapshot.without(work.forget)
    if work.settled:
        if not _settle(snapshot):
            return Locked()
        lease.hand_back(held)
        return Settled(snapshot.generation, in_flight=snapshot.in_flight)
    call = next((call for call in work.calls if call.key not in state.failed), None)
    if call is None:
        names = [call.name for call in work.deferred]
        return Blocked(snapshot.generation, until=queue.deferred_until(config, names, locked.now))
    if not may_call:
        return Wait(0.0)
    has_changed = state.batched_generation is not None and snapshot.generation > state.batched_generation
    has_long_plan = state.has_called and len(work.calls) > CALLS_IN_A_ROW
    slots_are_rare = 0 < config.calls_per_second < 1 / GATHER_SECONDS
    expects_more = not (state.has_called or state.has_waited) and (locked.is_busy or slots_are_rare)
    if has_changed or has_long_plan or expects_more:
        others_wait = queue.ready(config).exclude(pk=locked.pk).exists()
        if others_wait and (has_changed or has_long_plan):
            DomainSync.objects.filter(pk=locked.pk).update(queued_at=locked.now)
            lease.hand_back(held)
            return Yield()
        if not others_wait and (has_changed or expects_more):
            return Wait(BATCH_SECONDS if has_changed or locked.is_busy else GATHER_SECONDS, snapshot.generation)
    if seconds := next_slot or claim_slot(config):
        return Wait(seconds)
    return _write_intent(state, call, snapshot, started, locked.account)


def _gives_up(state: PassState, attempts: int) -> bool:
    """Whether so many calls have failed with transient errors that the others would probably fail, too.

    The limit doubles with each of the `attempts` so far, because passes get rarer: calls that always fail must not hold up the
    others.
    """
    transient = sum(not error.needs_attention for error in state.failed.values())
    return transient >= MAX_FAILURES_OF_FIRST_PASS << min(attempts, 10)


def _forget(resource: RecordedResource) -> None:
    """Delete the ledger entry of a resource that is absent, not desired and has no call in flight."""
    if resource.entry_id is None:
        return
    if resource.kind is ResourceKind.IDENTITY:
        # Its details, too: an identity that was deleted with another rule set has kept them.
        LedgerIdentity.objects.filter(entry=resource.entry_id).delete()
    statements.DELETE_ENTRY.run(resource.entry_id)


def _settle(snapshot: Snapshot) -> bool:
    """Record that SES follows the rows as of this generation. False if they have changed since, or are being changed now."""
    log = snapshot.change_log, snapshot.layout.digest
    return bool(statements.SETTLE.run(*log, After(BUSY_SECONDS), snapshot.sync_id, snapshot.generation))


def _write_intent(
    state: PassState, call: Call, snapshot: Snapshot, started: float, account: str
) -> Intent | NameConflict:
    config, held, rule = state.config, state.holder, call.rule
    resource = snapshot.resources.get(call.key) or RecordedResource.absent(*call.key)
    entry_id = resource.entry_id
    if entry_id is None:
        entry = _add_entry(state, call)
        if entry.domain != state.domain:
            return NameConflict(call)
        entry_id = entry.pk
    # Calls that are due now, not when the answer comes (docs/architecture/protocol.md, "Record the answer").
    clears = tuple(it.call_id for it in resource.unknown_outcomes if it.due and it.call_id is not None)
    in_flight_id = None
    if not call.operation.is_read:
        statements.WRITE_ENTRY.run(Presence.UNKNOWN, resource.known_to_exist, resource.digest, entry_id)
        # Only the recipients that the call keeps are certain from now on.
        recipients = rule.recipients if rule else frozenset[str]()
        if dropped := resource.recipients - recipients:
            statements.DELETE_RECIPIENTS.run(entry_id, each=dropped)
        until = After(SEND_SECONDS + config.call_settle.total_seconds())
        values = entry_id, call.operation, json.dumps(sorted(recipients)), held.fence, until
        ((in_flight_id,),) = statements.INSERT_CALL.rows(*values)
    return Intent(
        call=call,
        snapshot=snapshot,
        account=account,
        resource=resource,
        entry_id=entry_id,
        in_flight_id=in_flight_id,
        clears=clears,
        send_by=min(started + SEND_SECONDS, held.until - LEASE_MARGIN_SECONDS),
    )


def _add_entry(state: PassState, call: Call) -> LedgerEntry:
    """The ledger entry of a resource that the snapshot has none for. Another domain may have it."""
    # A read without an entry: the ledger of another rule set knows the identity, so it exists in the region.
    is_read = call.operation.is_read
    entry, _ = LedgerEntry.objects.get_or_create(
        region=state.config.region,
        rule_set=state.config.rule_set,
        kind=call.kind,
        name=call.name,
        defaults={
            "domain": state.domain,
            "presence": Presence.UNKNOWN if is_read else Presence.ABSENT,
            "exists": is_read,
            "changed_at": Now(),
        },
    )
    return entry
