"""The transaction after every SES call: record the answer (docs/architecture/protocol.md, "Record the answer")."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from ses_integration.aws.gateway import ObservedIdentity
from ses_integration.conf import SesConfig
from ses_integration.coordination import lease, quotas
from ses_integration.coordination.clock import database_now
from ses_integration.coordination.lease import HeldLease
from ses_integration.coordination.rate_limit import delay_next_slot
from ses_integration.errors import (
    AlreadyExists,
    BadCredentials,
    NotFound,
    Refused,
    RuleSetMissing,
    SesError,
    TooManyRecipients,
    Unanswered,
)
from ses_integration.models import DomainSync, Lease, LedgerEntry, LedgerIdentity, LedgerRecipient
from ses_integration.plan.compile import mail_from_domain
from ses_integration.plan.resources import Call, Operation, Presence, ResourceKind
from ses_integration.reconcile.steps import Answer, Intent

KEYS_PER_STATEMENT = 1000


def record(config: SesConfig, held: HeldLease, intent: Intent, answer: Answer) -> None:
    """T3. Raises LeaseLost, and has then recorded nothing: the intent says all.

    A MAIL FROM domain is for sending only, so a lasting refusal of it is an answer, and holds nothing else up.
    """
    with transaction.atomic(durable=True):
        lease.verify(held)
        delay_next_slot(config)
        entry = LedgerEntry.objects.select_for_update().get(pk=intent.entry_id)
        entry.changed_at = database_now()
        operation, error = intent.call.operation, answer.error
        own = [] if intent.in_flight_id is None else [intent.in_flight_id]
        if isinstance(error, RuleSetMissing) and operation.removes:
            error = NotFound(error.sentence)
        if operation is Operation.SET_MAIL_FROM and _is_lasting(error):
            answer = Answer(mail_from=mail_from_domain(intent.call.name), mail_from_status="Failed")
            error = None
        gone = isinstance(error, NotFound) and (operation.removes or operation.is_read)
        if error is None or gone:
            _confirm(entry, intent.call, answer, gone=gone or operation.removes)
            entry.in_flight.filter(pk__in=[*own, *intent.settles]).delete()
            end_outage(config)
        elif isinstance(error, Unanswered):
            _begin_outage(config)
        else:
            entry.in_flight.filter(pk__in=own).delete()
            if isinstance(error, NotFound):
                _set_absent(entry)
            elif isinstance(error, TooManyRecipients) and intent.call.rule is not None:
                quotas.learn_recipient_limit(config, refused=len(intent.call.rule.recipients))
            elif isinstance(error, AlreadyExists):
                entry.presence, entry.exists = Presence.UNKNOWN, True
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
    entry.presence, entry.exists = Presence.PRESENT, True
    if call.rule is not None:
        entry.digest = call.rule.digest
        _set_recipients(entry, call.rule.recipients)
        return
    facts, _ = LedgerIdentity.objects.get_or_create(entry=entry)
    if answer.identity is not None:
        # v1 verification creates without our tag: what it may have put there is ours as well.
        put_by_us = entry.in_flight.filter(operation=Operation.VERIFY_DOMAIN).exists()
        note(facts, answer.identity, entry.changed_at, ours_untagged=put_by_us if facts.ours is None else facts.ours)
        if call.operation is Operation.CREATE_IDENTITY:
            facts.verification_token = ""
    if answer.token:
        facts.verification_token = answer.token
    if answer.mail_from:
        facts.mail_from_domain, facts.mail_from_status = answer.mail_from, answer.mail_from_status
    facts.save()


def note(facts: LedgerIdentity, seen: ObservedIdentity, at: datetime, *, ours_untagged: bool) -> None:
    """Put what SES has told of an identity into its facts; the caller saves them.

    Its tag says whose it is. One without a tag is ours if `ours_untagged`.
    """
    facts.ours = seen.ours or (ours_untagged and not seen.owner)
    facts.status, facts.checked_at = seen.status, at
    facts.dkim_tokens, facts.dkim_zone, facts.dkim_status = list(seen.dkim_tokens), seen.dkim_zone, seen.dkim_status
    facts.mail_from_domain, facts.mail_from_status = seen.mail_from_domain, seen.mail_from_status
    if seen.mail_from_status == "Success":
        facts.mail_from_verified_at = facts.mail_from_verified_at or at


def _set_absent(entry: LedgerEntry) -> None:
    entry.presence, entry.exists, entry.digest = Presence.ABSENT, False, ""
    entry.recipients.all().delete()
    LedgerIdentity.objects.filter(entry=entry).delete()
    if entry.kind == ResourceKind.IDENTITY:
        # It is the region's: the ledgers of former rule sets are to hear of it, too.
        former = LedgerEntry.objects.filter(region=entry.region, kind=ResourceKind.IDENTITY, name=entry.name).exclude(
            pk=entry.pk
        )
        former.update(presence=Presence.ABSENT, exists=False, changed_at=entry.changed_at)


def _set_recipients(entry: LedgerEntry, recipients: frozenset[str]) -> None:
    known = set(entry.recipients.values_list("recipient", flat=True))
    if known - recipients:
        entry.recipients.filter(recipient__in=known - recipients).delete()
    LedgerRecipient.objects.bulk_create(
        LedgerRecipient(entry=entry, recipient=recipient) for recipient in sorted(recipients - known)
    )


def _begin_outage(config: SesConfig) -> None:
    Lease.objects.of(config).filter(outage_since=None).update(outage_since=database_now())


def end_outage(config: SesConfig) -> None:
    """Inside a transaction: the first success after an outage makes all transient work due at once."""
    if Lease.objects.of(config).filter(outage_since__isnull=False).update(outage_since=None):
        waiting = DomainSync.objects.of(config).filter(stalled=False, retry_at__isnull=False)
        # A mark that somebody holds is being bumped, which makes it due as well; to wait for it could be a deadlock.
        free = list(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True))
        for start in range(0, len(free), KEYS_PER_STATEMENT):
            keys = free[start : start + KEYS_PER_STATEMENT]
            DomainSync.objects.filter(pk__in=keys).update(retry_at=None)
