"""The transaction after every SES call: record the answer.

See docs/architecture/protocol.md, "Record the answer".
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from ses_integration.aws.observed import ObservedIdentity
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
    """Record the answer. Raises LeaseLost and records nothing if another process has taken over: the intent stays.

    A lasting refusal of a MAIL FROM domain counts as success: it matters only for sending and must not hold up the rest.
    """
    with transaction.atomic(durable=True):
        lease.verify(held)
        delay_next_slot(config)
        entry = LedgerEntry.objects.select_for_update().get(pk=intent.entry_id)
        entry.changed_at = database_now()
        operation, error = intent.call.operation, answer.error
        if isinstance(error, RuleSetMissing) and operation.removes:
            error = NotFound(error.sentence)
        if operation is Operation.SET_MAIL_FROM and _is_lasting(error):
            answer = Answer(mail_from=mail_from_domain(intent.call.name), mail_from_status="Failed")
            error = None
        is_gone = isinstance(error, NotFound) and (operation.removes or operation.is_read)
        own = [] if intent.in_flight_id is None else [intent.in_flight_id]
        if error is None or is_gone:
            _confirm(entry, intent.call, answer, gone=is_gone or operation.removes)
            entry.in_flight.filter(pk__in=[*own, *intent.clears]).delete()
            end_outage(config)
        elif isinstance(error, Unanswered):
            _begin_outage(config)
        else:
            entry.in_flight.filter(pk__in=own).delete()
            _record_refusal(config, entry, intent.call, error)
        entry.save()


def _record_refusal(config: SesConfig, entry: LedgerEntry, call: Call, error: SesError) -> None:
    """Record what a refusal says about SES. The call was not applied."""
    if isinstance(error, NotFound):
        _set_absent(entry)
    elif isinstance(error, TooManyRecipients) and call.rule is not None:
        quotas.learn_recipient_limit(config, refused=len(call.rule.recipients))
    elif isinstance(error, AlreadyExists):
        entry.presence, entry.exists = Presence.UNKNOWN, True
    elif not error.needs_attention:
        _begin_outage(config)


def _is_lasting(error: SesError | None) -> bool:
    """Whether AWS refused this very call and would refuse it again. Rejected credentials say nothing about the call."""
    return isinstance(error, Refused) and error.needs_attention and not isinstance(error, BadCredentials)


def _confirm(entry: LedgerEntry, call: Call, answer: Answer, *, gone: bool) -> None:
    if gone:
        _set_absent(entry)
        return
    entry.presence, entry.exists = Presence.PRESENT, True
    if call.rule is not None:
        entry.digest = call.rule.digest
        _set_recipients(entry, call.rule.recipients)
        return
    identity, _ = LedgerIdentity.objects.get_or_create(entry=entry)
    if answer.identity is not None:
        # An unanswered v1 verification may have created the identity without our tag, so it is ours.
        created_by_us = entry.in_flight.filter(operation=Operation.VERIFY_DOMAIN).exists()
        update_identity(
            identity,
            answer.identity,
            entry.changed_at,
            ours_untagged=created_by_us if identity.ours is None else identity.ours,
        )
        if call.operation is Operation.CREATE_IDENTITY:
            identity.verification_token = ""
    if answer.token:
        identity.verification_token = answer.token
    if answer.mail_from:
        identity.mail_from_domain, identity.mail_from_status = answer.mail_from, answer.mail_from_status
    identity.save()


def update_identity(identity: LedgerIdentity, observed: ObservedIdentity, at: datetime, *, ours_untagged: bool) -> None:
    """Copy what SES returned to `identity`, which the caller saves.

    `ours_untagged`: whether an identity without a tag counts as ours.
    """
    identity.ours = observed.ours or (ours_untagged and not observed.owner)
    identity.status, identity.checked_at = observed.status, at
    identity.dkim_tokens, identity.dkim_zone = list(observed.dkim_tokens), observed.dkim_zone
    identity.dkim_status = observed.dkim_status
    identity.mail_from_domain, identity.mail_from_status = observed.mail_from_domain, observed.mail_from_status
    if observed.mail_from_status == "Success":
        identity.mail_from_verified_at = identity.mail_from_verified_at or at


def _set_absent(entry: LedgerEntry) -> None:
    entry.presence, entry.exists, entry.digest = Presence.ABSENT, False, ""
    entry.recipients.all().delete()
    LedgerIdentity.objects.filter(entry=entry).delete()
    if entry.kind == ResourceKind.IDENTITY:
        # An identity belongs to the region, so it is also gone for the ledgers of other rule sets.
        others = LedgerEntry.objects.filter(region=entry.region, kind=ResourceKind.IDENTITY, name=entry.name).exclude(
            pk=entry.pk
        )
        others.update(presence=Presence.ABSENT, exists=False, changed_at=entry.changed_at)


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
    """Make domains in back-off due if this is the first success after an outage. Call it in a transaction.

    Domains that need attention keep their back-off.
    """
    if Lease.objects.of(config).filter(outage_since__isnull=False).update(outage_since=None):
        waiting = DomainSync.objects.of(config).filter(stalled=False, retry_at__isnull=False)
        # Skip locked rows: the transaction that holds one marks it dirty, which makes it due. Waiting could deadlock.
        unlocked = list(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True))
        for start in range(0, len(unlocked), KEYS_PER_STATEMENT):
            keys = unlocked[start : start + KEYS_PER_STATEMENT]
            DomainSync.objects.filter(pk__in=keys).update(retry_at=None)
