"""What the answer to a call says about SES, as a value and as rows of the ledger.

See docs/architecture/protocol.md, "Record the answer".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db.models.functions import Now

from ses_integration.aws.observed import ObservedIdentity
from ses_integration.conf import SesConfig
from ses_integration.coordination import quotas
from ses_integration.errors import (
    AlreadyExists,
    BadCredentials,
    NotFound,
    Refused,
    RuleSetFull,
    RuleSetMissing,
    SesError,
    TooManyRecipients,
    Unanswered,
)
from ses_integration.models import DomainSync, Lease, LedgerEntry, LedgerIdentity, LedgerRecipient, statements
from ses_integration.plan.resources import (
    Call,
    Operation,
    Presence,
    RecordedResource,
    ResourceKind,
    UnknownOutcome,
)
from ses_integration.reconcile.values import Answer, Answered, Intent

KEYS_PER_STATEMENT = 1000


def normalized(call: Call, answer: Answer) -> Answer:
    """The answer with two refusals replaced by what they mean.

    Without a rule set there is no rule to delete. A lasting refusal of a MAIL FROM domain counts as success: it matters only
    for sending and must not hold up the rest.
    """
    if isinstance(answer.error, RuleSetMissing) and call.operation.removes:
        return Answer(error=NotFound(answer.error.sentence))
    if call.operation is Operation.SET_MAIL_FROM and _is_lasting(answer.error):
        return Answer(mail_from=call.mail_from, mail_from_status="Failed")
    return answer


def _is_lasting(error: SesError | None) -> bool:
    """Whether AWS refused this very call and would refuse it again. Rejected credentials say nothing about the call."""
    return isinstance(error, Refused) and error.needs_attention and not isinstance(error, BadCredentials)


def after(answered: Answered) -> RecordedResource:
    """The resource as a normalized answer leaves it."""
    intent, answer = answered.intent, answered.answer
    call, before, error = intent.call, replace(intent.resource, entry_id=intent.entry_id), answer.error
    older = before.unknown_outcomes
    if _is_success(call, answer):
        older = tuple(outcome for outcome in older if outcome.call_id not in intent.clears)
    unchanged = replace(before, unknown_outcomes=older)
    if isinstance(error, NotFound) or (error is None and call.operation.removes):
        return replace(RecordedResource.absent(*before.key), unknown_outcomes=older, entry_id=before.entry_id)
    if error is None:
        present = replace(unchanged, presence=Presence.PRESENT, exists=True)
        if call.rule is not None:
            return replace(present, recipients=call.rule.recipients, digest=call.rule.digest)
        return _identity_after(call, present, answer, ours_untagged=_ours_untagged(before))
    if call.operation.is_read:
        return before
    unknown = replace(
        unchanged,
        presence=Presence.UNKNOWN,
        exists=before.known_to_exist or isinstance(error, AlreadyExists),
        recipients=_kept(intent),
    )
    if isinstance(error, Unanswered):
        recipients = call.rule.recipients if call.rule else frozenset[str]()
        own = UnknownOutcome(call.operation, due=False, recipients=recipients, call_id=intent.in_flight_id)
        return replace(unknown, unknown_outcomes=(*older, own))
    return unknown


def _is_success(call: Call, answer: Answer) -> bool:
    is_gone = isinstance(answer.error, NotFound) and (call.operation.removes or call.operation.is_read)
    return answer.error is None or is_gone


def _kept(intent: Intent) -> frozenset[str]:
    """The recipients that stayed in the ledger while the call was in flight: those before and after it."""
    before, rule = intent.resource.recipients, intent.call.rule
    if intent.in_flight_id is None:
        return before
    return before & rule.recipients if rule else frozenset()


def _identity_after(call: Call, present: RecordedResource, answer: Answer, *, ours_untagged: bool) -> RecordedResource:
    """The identity with what SES has answered. The same fields as `_write_identity` writes."""
    seen = answer.identity
    if seen is not None:
        present = replace(
            present,
            ours=is_ours(seen, untagged=ours_untagged),
            mail_from=seen.mail_from_domain,
            has_verification_token=present.has_verification_token and call.operation is not Operation.CREATE_IDENTITY,
        )
    return replace(
        present,
        has_verification_token=present.has_verification_token or bool(answer.token),
        mail_from=answer.mail_from or present.mail_from,
    )


def _ours_untagged(identity: RecordedResource) -> bool:
    """Whether the identity counts as ours if it has no tag.

    An unanswered v1 verification may have created it without our tag, also one that this answer clears.
    """
    if identity.ours is not None:
        return identity.ours
    return any(outcome.operation is Operation.VERIFY_DOMAIN for outcome in identity.unknown_outcomes)


def is_ours(seen: ObservedIdentity, *, untagged: bool) -> bool:
    """Whether this installation created the identity. `untagged`: the answer for one without a tag."""
    return seen.ours or (untagged and not seen.owner)


def write(config: SesConfig, answered: Answered, resource: RecordedResource, *, in_outage: bool, forget: bool) -> None:
    """Write to the ledger what the answer leaves, `resource`. With `forget`, delete its entry, which is absent and not desired.

    Call it in a transaction that has made sure of the lease. `in_outage`: SES calls have been failing, whoever made them.
    """
    intent, answer = answered.intent, answered.answer
    before, error = intent.resource, answer.error
    remaining = {outcome.call_id for outcome in resource.unknown_outcomes}
    calls = [intent.in_flight_id, *(outcome.call_id for outcome in before.unknown_outcomes)]
    if answered_calls := [pk for pk in calls if pk is not None and pk not in remaining]:
        statements.DELETE_CALLS.run(each=answered_calls)
    if before.kind is ResourceKind.IDENTITY:
        _write_identity(config, answered, resource)
    _write_recipients(intent, resource)
    if forget:
        statements.DELETE_ENTRY.run(intent.entry_id)
    else:
        statements.WRITE_ENTRY.run(resource.presence, resource.exists, resource.digest, intent.entry_id)
    if isinstance(error, TooManyRecipients) and intent.call.rule is not None:
        quotas.learn_recipient_limit(config, refused=len(intent.call.rule.recipients))
    elif isinstance(error, RuleSetFull):
        quotas.learn_rule_limit(config)
    if _is_success(intent.call, answer):
        if in_outage:
            end_outage(config)
    elif not in_outage and _begins_outage(error):
        Lease.objects.of(config).filter(outage_since=None).update(outage_since=Now())


def _begins_outage(error: SesError | None) -> bool:
    if isinstance(error, Unanswered):
        return True
    return error is not None and not (isinstance(error, NotFound | AlreadyExists) or error.needs_attention)


def _write_recipients(intent: Intent, resource: RecordedResource) -> None:
    kept = _kept(intent)
    if gone := kept - resource.recipients:
        statements.DELETE_RECIPIENTS.run(intent.entry_id, each=gone)
    LedgerRecipient.objects.bulk_create(
        LedgerRecipient(entry_id=intent.entry_id, recipient=recipient)
        for recipient in sorted(resource.recipients - kept)
    )


def _write_identity(config: SesConfig, answered: Answered, resource: RecordedResource) -> None:
    answer, entry_id = answered.answer, answered.intent.entry_id
    details = LedgerIdentity.objects.filter(entry=entry_id)
    if resource.presence is Presence.ABSENT:
        details.delete()
        # An identity belongs to the region, so it is also gone for the ledgers of other rule sets.
        entries = LedgerEntry.objects.filter(region=config.region, kind=ResourceKind.IDENTITY, name=resource.name)
        entries.exclude(pk=entry_id).update(presence=Presence.ABSENT, exists=False, changed_at=Now())
    elif answer.identity is not None:
        known = details.first()
        identity = known or LedgerIdentity(entry_id=entry_id)
        update_identity(identity, answer.identity, Now(), ours=bool(resource.ours))
        if answered.intent.call.operation is Operation.CREATE_IDENTITY:
            identity.verification_token = ""
        identity.save(force_insert=known is None)
    elif answer.token:
        details.update(verification_token=answer.token)
    elif answer.mail_from:
        details.update(mail_from_domain=answer.mail_from, mail_from_status=answer.mail_from_status)


# The fields that `update_identity` sets.
OBSERVED_FIELDS = (
    "ours",
    "status",
    "checked_at",
    "dkim_tokens",
    "dkim_zone",
    "dkim_status",
    "mail_from_domain",
    "mail_from_status",
    "mail_from_verified_at",
)


def update_identity(identity: LedgerIdentity, seen: ObservedIdentity, at: datetime | Now, *, ours: bool) -> None:
    """Copy what SES returned to `identity`, which the caller saves. `ours`: the result of `is_ours`."""
    identity.ours = ours
    identity.status, identity.checked_at = seen.status, at
    identity.dkim_tokens, identity.dkim_zone = list(seen.dkim_tokens), seen.dkim_zone
    identity.dkim_status = seen.dkim_status
    identity.mail_from_domain, identity.mail_from_status = seen.mail_from_domain, seen.mail_from_status
    if seen.mail_from_status == "Success":
        identity.mail_from_verified_at = identity.mail_from_verified_at or at


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
