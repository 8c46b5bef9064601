"""The two transactions around every SES call: write down the intent, record the answer (protocol 2, T2 and T3)."""

from __future__ import annotations

import random
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from ses_integration import capacity, lease, marks
from ses_integration.clock import database_now
from ses_integration.compiling import mail_from_domain
from ses_integration.config import SesConfig
from ses_integration.errors import (
    AlreadyThere,
    BadCredentials,
    NotThere,
    Refused,
    RuleSetMissing,
    SesError,
    TooManyRecipients,
    Unanswered,
)
from ses_integration.gateway import SeenIdentity
from ses_integration.lease import Held
from ses_integration.models import DomainMark, IdentityFacts, Lease, LedgerEntry, LedgerRecipient, UnansweredCall
from ses_integration.planning import Call, Kind, Known, Operation, plan
from ses_integration.rate import answered, claim_slot
from ses_integration.reading import entries_of, wanted_of

SEND_SECONDS = 10
LEASE_MARGIN_SECONDS = 10
GATHER_SECONDS = 0.1
LONG_INTERVAL = timedelta(minutes=15)
KEYS_PER_STATEMENT = 1000


@dataclass(frozen=True, slots=True)
class Settled:
    """SES is known to hold what the rows say, up to the generation that was read."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """What is left of `generation` has failed in this pass or is held back, the latter until `until`."""

    generation: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Taken:
    """The name that this call is about is in the ledger of another domain, whose rule must not be touched."""

    call: Call


@dataclass(frozen=True, slots=True)
class Changing:
    """Somebody is changing the domain's rows at this moment, and has not committed."""


@dataclass(frozen=True, slots=True)
class GiveWay:
    """The domain keeps changing, and others wait: it goes to the end of the queue."""


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing was written down: `seconds` to go to the next free slot, or to gather changes up to `generation` and more."""

    seconds: float
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """One call that may now be sent, once, before `send_by` (of `time.monotonic()`)."""

    call: Call
    entry_id: int
    doubt_id: int | None
    settles: tuple[int, ...]
    generation: int
    send_by: float


Step = Settled | Stuck | Taken | Changing | GiveWay | Later | Intent


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: an error of ours or none, and what an identity call told."""

    error: SesError | None = None
    identity: SeenIdentity | None = None
    token: str = ""
    mail_from: str = ""
    mail_from_status: str = "Pending"


def next_step(
    config: SesConfig,
    held: Held,
    domain: str,
    *,
    failed: Collection[tuple[Kind, str]],
    gathered: int | None,
    may_call: bool = True,
    full: bool = False,
) -> Step:
    """T2. Plans from the rows as committed, and either confirms the domain or writes one intent down.

    `gathered` is the generation that the pass has worked on so far: where it has moved on, wait a moment for more, or give
    way to other domains, so that a burst on one does not hold up a single change of another. Without `may_call` it only
    tells whether there is anything left to call for. `full`: SES has no room for a further rule. Raises LeaseLost.
    """
    with transaction.atomic(durable=True):
        started = time.monotonic()
        marked = DomainMark.objects.of(config).annotate(now=Now()).filter(domain=domain)
        # Not to wait here: whoever changes many rows of the domain holds the mark for as long, and we hold the lease.
        mark = marked.select_for_update(skip_locked=True).first()
        if mark is None:
            return Changing() if marked.exists() else Settled()
        # Not before `started`, so what is sent in time can no longer land at `until`.
        now = mark.now
        # The generation first, the rows after it: whoever changes a row bumps this mark, and waits for our lock.
        wanted = wanted_of(config, [domain])[domain]
        work = plan(domain, wanted, entries_of(config, [domain], now).get(domain, []), full=full)
        # As late as it may be: until the end of the transaction everybody who looks for the lease waits for its row.
        lease.renew(held)
        for kind, name in work.forget:
            _row(config, kind, name).delete()
        if work.settled:
            mark.applied_generation = mark.generation
            mark.attempts, mark.next_attempt, mark.needs_attention, mark.last_error = 0, None, False, ""
            mark.waiting_since = None
            mark.save()
            return Settled()
        call = next((call for call in work.calls if call.key not in failed), None)
        if call is None:
            held_names = [call.name for call in work.held_back]
            waiting = (
                UnansweredCall.objects.of(config).filter(entry__name__in=held_names, until__gt=now).order_by("until")
            )
            return Stuck(mark.generation, until=waiting.values_list("until", flat=True).first())
        if not may_call:
            return Later(0.0)
        if gathered is not None and mark.generation > gathered:
            if marks.waiting(config).exclude(pk=mark.pk).exists():
                mark.waiting_since = now
                mark.save(update_fields=["waiting_since"])
                return GiveWay()
            return Later(GATHER_SECONDS, mark.generation)
        if (slot := claim_slot(config)) is not None:
            return Later(max(0.0, (slot - now).total_seconds()))
        return _write_down(config, held, domain, call, now, started, mark.generation)


def _row(config: SesConfig, kind: Kind, name: str) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.of(config).filter(kind=kind, name=name)


def _write_down(
    config: SesConfig, held: Held, domain: str, call: Call, now: datetime, started: float, generation: int
) -> Intent | Taken:
    entry, _ = LedgerEntry.objects.get_or_create(
        region=config.region,
        rule_set=config.rule_set,
        kind=call.kind,
        name=call.name,
        defaults={"domain": domain, "known": Known.ABSENT, "changed_at": now},
    )
    if entry.domain != domain:
        return Taken(call)
    # Those that are due now, and not those that will be when the answer comes (protocol 8, counterexample 5).
    settles = tuple(entry.unanswered.filter(until__lte=now).values_list("pk", flat=True))
    doubt_id = None
    if not call.operation.is_read:
        entry.exists = entry.known == Known.PRESENT or (entry.known == Known.UNKNOWN and entry.exists)
        entry.known, entry.changed_at = Known.UNKNOWN, now
        entry.save()
        # From here on only what this call keeps is surely there, whatever becomes of its answer.
        entry.recipients.exclude(recipient__in=call.rule.recipients if call.rule else ()).delete()
        doubt_id = UnansweredCall.objects.create(
            entry=entry,
            operation=call.operation,
            recipients=sorted(call.rule.recipients) if call.rule else [],
            until=now + timedelta(seconds=SEND_SECONDS) + config.call_settle,
            fence=held.fence,
        ).pk
    return Intent(
        call=call,
        entry_id=entry.pk,
        doubt_id=doubt_id,
        settles=settles,
        generation=generation,
        send_by=min(started + SEND_SECONDS, held.until - LEASE_MARGIN_SECONDS),
    )


def record(config: SesConfig, held: Held, intent: Intent, answer: Answer) -> None:
    """T3. Raises LeaseLost, and has then recorded nothing: the intent says all.

    A MAIL FROM domain is for sending only, so a lasting refusal of it is an answer, and holds nothing else up.
    """
    with transaction.atomic(durable=True):
        lease.check(held)
        answered(config)
        entry = LedgerEntry.objects.select_for_update().get(pk=intent.entry_id)
        entry.changed_at = database_now()
        operation, error = intent.call.operation, answer.error
        own = [] if intent.doubt_id is None else [intent.doubt_id]
        if isinstance(error, RuleSetMissing) and operation.removes:
            error = NotThere(error.sentence)
        if operation is Operation.SET_MAIL_FROM and _is_lasting(error):
            answer = Answer(mail_from=mail_from_domain(intent.call.name), mail_from_status="Failed")
            error = None
        gone = isinstance(error, NotThere) and (operation.removes or operation.is_read)
        if error is None or gone:
            _confirm(entry, intent.call, answer, gone=gone or operation.removes)
            entry.unanswered.filter(pk__in=[*own, *intent.settles]).delete()
            _end_outage(config)
        elif isinstance(error, Unanswered):
            _begin_outage(config)
        else:
            entry.unanswered.filter(pk__in=own).delete()
            if isinstance(error, NotThere):
                _set_absent(entry)
            elif isinstance(error, TooManyRecipients) and intent.call.rule is not None:
                capacity.learn(config, refused=len(intent.call.rule.recipients))
            elif isinstance(error, AlreadyThere):
                entry.known, entry.exists = Known.UNKNOWN, True
            elif not error.attention:
                _begin_outage(config)
        entry.save()


def _is_lasting(error: SesError | None) -> bool:
    """Whether AWS has judged this very call: not that it never left, or that nobody knows who asked."""
    return isinstance(error, Refused) and error.attention and not isinstance(error, BadCredentials)


def _confirm(entry: LedgerEntry, call: Call, answer: Answer, *, gone: bool) -> None:
    if gone:
        _set_absent(entry)
        return
    entry.known, entry.exists = Known.PRESENT, True
    if call.rule is not None:
        entry.digest = call.rule.digest
        _set_recipients(entry, call.rule.recipients)
        return
    facts, _ = IdentityFacts.objects.get_or_create(entry=entry)
    if answer.identity is not None:
        # v1 verification creates without our tag: what it may have put there is ours as well.
        put_by_us = entry.unanswered.filter(operation=Operation.VERIFY_DOMAIN).exists()
        ours = answer.identity.ours or (put_by_us if facts.ours is None else facts.ours)
        note(facts, replace(answer.identity, ours=ours), entry.changed_at)
        if call.operation is Operation.CREATE_IDENTITY:
            facts.verification_token = ""
    if answer.token:
        facts.verification_token = answer.token
    if answer.mail_from:
        facts.mail_from_domain, facts.mail_from_status = answer.mail_from, answer.mail_from_status
    facts.save()


def note(facts: IdentityFacts, seen: SeenIdentity, at: datetime) -> None:
    """Put what SES has told of an identity into its facts; the caller saves them."""
    facts.ours, facts.status, facts.checked_at = seen.ours, seen.status, at
    facts.dkim_tokens, facts.dkim_zone, facts.dkim_status = list(seen.dkim_tokens), seen.dkim_zone, seen.dkim_status
    facts.mail_from_domain, facts.mail_from_status = seen.mail_from_domain, seen.mail_from_status
    if seen.mail_from_status == "Success":
        facts.mail_from_verified_at = facts.mail_from_verified_at or at


def _set_absent(entry: LedgerEntry) -> None:
    entry.known, entry.exists, entry.digest = Known.ABSENT, False, ""
    entry.recipients.all().delete()
    IdentityFacts.objects.filter(entry=entry).delete()


def _set_recipients(entry: LedgerEntry, recipients: frozenset[str]) -> None:
    known = set(entry.recipients.values_list("recipient", flat=True))
    if known - recipients:
        entry.recipients.filter(recipient__in=known - recipients).delete()
    LedgerRecipient.objects.bulk_create(
        LedgerRecipient(entry=entry, recipient=recipient) for recipient in sorted(recipients - known)
    )


def _begin_outage(config: SesConfig) -> None:
    Lease.objects.of(config).filter(outage_since=None).update(outage_since=database_now())


def _end_outage(config: SesConfig) -> None:
    """The first success after an outage makes all transient work due at once."""
    if Lease.objects.of(config).filter(outage_since__isnull=False).update(outage_since=None):
        waiting = DomainMark.objects.of(config).filter(needs_attention=False, next_attempt__isnull=False)
        # A mark that somebody holds is being bumped, which makes it due as well; to wait for it could be a deadlock.
        free = list(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True))
        for start in range(0, len(free), KEYS_PER_STATEMENT):
            keys = free[start : start + KEYS_PER_STATEMENT]
            DomainMark.objects.filter(pk__in=keys).update(next_attempt=None)


def postpone(config: SesConfig, domain: str, errors: Collection[SesError], stuck: Stuck) -> None:
    """After a pass that could not finish: when to try again, and what to tell people meanwhile.

    Not for a change that was committed since: that one is due at once.
    """
    attention = next((error for error in errors if error.attention), None)
    worst = attention or next(iter(errors), None)
    with transaction.atomic(durable=True):
        mark = DomainMark.objects.select_for_update().of(config).get(domain=domain)
        now = mark.waiting_since = database_now()
        if mark.generation != stuck.generation:
            pass
        elif worst is None:
            mark.next_attempt = stuck.until
            mark.last_error = "Waiting until an earlier call to AWS can no longer be applied."
        else:
            mark.attempts += 1
            mark.next_attempt = now + (LONG_INTERVAL if attention else backoff(mark.attempts))
            mark.needs_attention, mark.last_error = attention is not None, worst.sentence
        mark.save()


def backoff(attempts: int) -> timedelta:
    """Exponential from one second to 15 minutes, with jitter down to the half, so that domains do not march in step."""
    seconds = min(LONG_INTERVAL.total_seconds(), 2.0 ** min(attempts - 1, 30))
    return timedelta(seconds=seconds * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
