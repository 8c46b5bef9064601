"""The report of a deletion: its initial values, the progress that SES has confirmed, and the warning for clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from audit.actions import Action
from audit.origin import current
from audit.record import Entry, members, record
from domains.deletion_plan.model import NOT_CREATED_HERE
from domains.models import Domain, DomainDeletion, Step
from domains.provider import addresses_of, spec_of
from rest.fields import timestamp
from rest.prebuilt import Parameter, Prebuilt
from ses_integration.api import SyncState, confirmation, own_rule_names, unconfirmed_warning
from workers.models import WorkerKind
from workers.wording import left_to

# SES retries for this long to store mail that it accepted before the rule was deleted
# (docs/architecture/ses.md, "Late storage"), so the worker checks the prefix again afterwards.
SES_STORES_LATE = timedelta(hours=4)

NOT_FINISHED = "SES clean-up is not finished."
KEPT = f"The SES identity {NOT_CREATED_HERE}"
SUPERSEDED = "The domain was added again before its clean-up was finished. SES holds what the new one needs."
MAIL_KEPT = "KEEP_MAIL_ON_DOMAIN_DELETE is on, so stored mail is kept:"
ROWS_LEFT = "Received emails are still to be erased from the database."
ERASING = "Stored mail is still to be erased."
CONTINUES = "This continues in the background."


def initial_values(domain: Domain) -> dict[str, Any]:
    """Values of a new report, read while the domain's rows and ledger still exist.

    Leaves out what an earlier domain of the same name has left in SES: that is in its own report.
    """
    origin = current()
    values: dict[str, Any] = {
        "name": domain.name,
        "request_id": origin.request_id if origin else "",
        "owner_id": domain.owner_id,
        "records_to_publish": [
            {"type": row.record_type, "name": row.name, "value": row.value}
            for row in domain.dns_records.order_by("record_type", "name", "id")
        ],
        "rule_names": own_rule_names(domain.name, domain.key_prefix, lambda: spec_of(domain, addresses_of(domain))),
        "region": settings.AWS_REGION,
        "rule_set": settings.SES_RULE_SET,
        "bucket": settings.S3_BUCKET_NAME,
    }
    if settings.KEEP_MAIL_ON_DOMAIN_DELETE:
        values |= {"stored_mail": Step.KEPT, "stored_mail_at": timezone.now()}
    return values


def record_deleted(domain: Domain, report: DomainDeletion) -> None:
    """Put the deletion of a domain into the audit log, in the transaction that begins it."""
    before = members(domain, "status", "is_catch_all_enabled", "address_count")
    after = {"deletionId": report.pk}
    if report.restorable_until is not None:
        after["restorableUntil"] = timestamp(report.restorable_until)
    record(Entry.of(Action.DELETED, domain, domain.owner_id, before=before, after=after))


def keep_readers(domain: Domain, report: DomainDeletion) -> None:
    """Those who have access may read the report. Call it in the transaction that begins the deletion."""
    readers = DomainDeletion.readers.through._default_manager
    users = domain.accesses.values_list("user_id", flat=True)
    readers.bulk_create(readers.model(domaindeletion_id=report.pk, user_id=user) for user in users)


def rest_sweep(domain: Domain, until: datetime) -> None:
    """Let no sweep of the domain's stored mail be due in its grace period: whoever looks for one would pass those of all deleted
    domains. Restoring makes it due."""
    # In an app above: mail.MailSweep.
    sweeps: Any = apps.get_model("mail.MailSweep")._default_manager
    sweeps.filter(domain=domain.pk).update(due_at=until)


def record_progress(report: DomainDeletion, action: Action, **after: Any) -> None:
    """Put what has become of a deletion into the audit log."""
    record(Entry.of(action, report, report.owner_id, name=report.name, after={"domainId": report.domain_id, **after}))


def due() -> Q:
    """Deletions whose next attempt is due and that no process has claimed."""
    return Q(retry_at=None) | Q(retry_at__lte=Now())


def has_archives(domain: str) -> dict[str, Any]:
    """The annotation `has_archives`: whether exports or imports of the domain in this column have something in the bucket.

    Their models are in an app above: archives.Export and archives.Import.
    """
    models: list[Any] = [apps.get_model(f"archives.{name}")._default_manager for name in ("Export", "Import")]
    exports, imports = (Exists(model.active().filter(domain=OuterRef(domain))) for model in models)
    return {"has_archives": exports | imports}


_locked = Prebuilt(
    lambda: DomainDeletion.objects.locked().annotate(**has_archives("domain_id")).filter(pk=Parameter("pk"))
)


@contextmanager
def updating(record: DomainDeletion, **expected: Any) -> Iterator[DomainDeletion]:
    """Lock the report, read it again into `record`, and save what the block changes, because requests and workers may change
    it concurrently.

    Raises DomainDeletion.DoesNotExist if its fields do not have the `expected` values. Sets `record.now` and
    `record.has_archives`. Finishes the deletion if no step is pending any more.
    """
    with transaction.atomic(savepoint=False):
        locked = _locked.get(pk=record.pk)
        if any(getattr(locked, name) != value for name, value in expected.items()):
            raise DomainDeletion.DoesNotExist
        vars(record).update(vars(locked))
        yield record
        if record.finished_at is None and not record.pending_steps:
            record.finished_at = timezone.now()
            record_progress(record, Action.FINISHED)
        fields = [field.attname for field in DomainDeletion._meta.concrete_fields]
        record.save(update_fields=[name for name in fields if getattr(record, name) != getattr(locked, name)])


def update_ses_steps(record: DomainDeletion) -> None:
    """Update the rules and identity steps from what SES has confirmed. Call it in `updating`.

    In a grace period the identity is wanted, so whatever SES holds of it, that step is pending.
    """
    if Step.PENDING not in (record.rules, record.identity):
        return
    rules, identity = _ses_outcomes(record)
    identity = Step.PENDING if record.in_grace else identity
    if record.rules == Step.PENDING != rules:
        record.rules, record.rules_at = rules, timezone.now()
        if record.stored_mail != Step.KEPT:
            record.look_again_at = record.rules_at + SES_STORES_LATE
    if record.identity == Step.PENDING != identity:
        record.identity, record.identity_at = identity, timezone.now()
    if Step.PENDING in (record.rules, record.identity):
        attempts = SyncState.by_domain([record.name])[record.name].attempts
        record.ses_attempts = max(record.ses_attempts, attempts)
    else:
        record.ses_attempts += 1


def _ses_outcomes(record: DomainDeletion) -> tuple[Step, Step]:
    """Outcomes of the rules and identity steps."""
    state = confirmation.domain_state(record.name)
    if state.rules_gone and state.identity_gone:
        return Step.DONE, Step.DONE
    # Wait until SES holds the new domain's rules: the old ones may store mail under the old prefix until then.
    again = _added_again(record) and state.rules_up_to_date()
    rules = identity = Step.SUPERSEDED if again else Step.PENDING
    if state.identity_kept and not again:
        identity = Step.KEPT
    return Step.DONE if state.rules_gone else rules, Step.DONE if state.identity_gone else identity


def _added_again(record: DomainDeletion) -> bool:
    return Domain.objects.filter(name=record.name).exclude(pk=record.domain_id).exists()


def warning(record: DomainDeletion) -> str | None:
    """Sentences for clients: what is still pending or kept, and what happens next. None if everything is done."""
    sentences: list[str] = []
    problem = record.problem
    if record.in_grace:
        return unconfirmed_warning(NOT_FINISHED, record.name, removal=True) if record.rules == Step.PENDING else None
    if Step.PENDING in (record.rules, record.identity):
        # If another user has the name by now, errors of SES about it concern only them.
        theirs = Domain.objects.filter(name=record.name).exclude(owner_id=record.owner_id).exists()
        sentences.append(unconfirmed_warning(NOT_FINISHED, record.name, error="" if theirs else None, removal=True))
        # S3 may have failed for the same reason.
        problem = "" if problem in sentences[0] else problem
    if record.identity == Step.KEPT:
        sentences.append(KEPT)
    if Step.SUPERSEDED in (record.rules, record.identity):
        sentences.append(SUPERSEDED)
    if record.stored_mail == Step.PENDING:
        sentences += [ERASING, left_to(WorkerKind.SES, CONTINUES), problem]
    elif record.received_emails == Step.PENDING:
        sentences += [ROWS_LEFT, left_to(WorkerKind.SES, CONTINUES)]
    if record.stored_mail == Step.KEPT:
        sentences.append(f"{MAIL_KEPT} {record.mail}")
    return " ".join(filter(None, sentences)) or None
