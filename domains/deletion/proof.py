"""The proof of a deletion: a fresh look at SES and S3 after its last step, and once more when nothing can come late.

What the look finds and is ours makes its step owed again, so that it is repaired as everything else; what is not ours is told.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from domains.deletion.record import Step, changing, turn
from domains.models import Domain, DomainDeletion
from rest.fields import timestamp
from ses_integration.aws.observe import Observation, observe_with_active_set
from ses_integration.aws.observed import ObservedRule, share_mail
from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination.clock import database_now
from ses_integration.drift import adopt, sweep
from ses_integration.drift.foreign import named_like_ours
from ses_integration.errors import SesError
from ses_integration.models import LedgerEntry
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile.backoff import LONG_INTERVAL
from ses_integration.status import sync_state
from ses_integration.storage import erase

# Enough for one look; the next look is for the others.
AT_ONCE = 500
CLAIM = timedelta(seconds=60)

ADDED_AGAIN = "The domain was added again, so the identity and all rules but this life's are the new one's."


@dataclass(slots=True)
class _Found:
    """What one record's part of the look found: by step what is ours, and the rules of others that take the name's mail."""

    ours: dict[str, list[str]] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)
    problem: str = ""
    added_again: bool = False


def prove_deletions(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """The worker's step: looks for every finished deletion that is not proved, or that is to be looked at again; how many.

    One DescribeActiveReceiptRuleSet and one identity list for all of them (and the rules of our set where another one is
    active), and a list call to S3 for each. Raises SesError when SES cannot be asked.
    """
    until = time.monotonic() + seconds
    config = ses_config()
    records = _claim(config)
    if not records:
        return 0
    seen = observe_with_active_set(config)
    names = {record.name for record in records}
    busy = set(sync_state.pending_domains().filter(domain__in=names).values_list("domain", flat=True))
    if LedgerEntry.objects.of(config).filter(domain__in=names).exists():
        sweep.unconfirm(config, seen, names)
    claimed = _claimed(config, seen)
    for number, record in enumerate(records):
        if stop() or time.monotonic() >= until:
            DomainDeletion.objects.filter(pk__in=[left.pk for left in records[number:]]).update(retry_at=None)
            return number
        # What SES holds of these was about to change when it was asked, for a later life of the name: they wait a minute.
        if record.name not in busy:
            _note(record, seen, _look_for(config, record, seen, claimed))
    return len(records)


def _claim(config: SesConfig) -> list[DomainDeletion]:
    """For a minute nobody else looks for these. Of another region or rule set than ours nothing can be seen from here."""
    waiting = Q(proved_at=None) | Q(look_again_at__lte=Now())
    here = Q(region="") | Q(region=config.region, rule_set=config.rule_set)
    with transaction.atomic():
        records = list(
            DomainDeletion.objects.filter(waiting, here, turn(), finished_at__isnull=False)
            .exclude(name__in=sync_state.pending_domains().order_by().values("domain"))
            .select_for_update(skip_locked=True)
            .order_by(F("retry_at").asc(nulls_first=True), "finished_at", "name")[:AT_ONCE]
        )
        pks = [record.pk for record in records]
        DomainDeletion.objects.filter(pk__in=pks).update(retry_at=Now() + CLAIM)
    return records


def _claimed(config: SesConfig, seen: Observation) -> set[str]:
    """The rules that SES holds and that are in our ledger: of other domains, or of one that was added again."""
    names = [rule.name for rule in seen.rules]
    entries = LedgerEntry.objects.of(config).filter(kind=ResourceKind.RULE, name__in=names)
    return set(entries.values_list("name", flat=True))


def _look_for(config: SesConfig, record: DomainDeletion, seen: Observation, claimed: Collection[str]) -> _Found:
    found = _Found(added_again=Domain.objects.filter(name=record.name).exists())
    _look_for_rules(config, record, seen, found)
    if not found.added_again:
        _look_for_what_bears_the_name(config, record, seen, claimed, found)
    if record.stored_mail == Step.DONE:
        try:
            if not erase.is_empty(record.key_prefix, bucket=record.bucket):
                found.ours["stored_mail"] = [erase.location(record.key_prefix, bucket=record.bucket)]
        except SesError as error:
            found.problem = error.sentence
    return found


def _look_for_rules(config: SesConfig, record: DomainDeletion, seen: Observation, found: _Found) -> None:
    """Of this life only, so also where the name has a new one, whose rules store elsewhere."""
    ours = [rule for rule in seen.rules if _is_of_this_life(rule, record, config)]
    if ours:
        found.ours["rules"] = [rule.name for rule in ours]
    for rule in ours:
        # In no ledger any more, so that the sweep knows nothing of it.
        adopt.adopt_into_ledger(config, ResourceKind.RULE, rule.name, domain=record.name, recipients=rule.recipients)


def _look_for_what_bears_the_name(
    config: SesConfig, record: DomainDeletion, seen: Observation, claimed: Collection[str], found: _Found
) -> None:
    if record.name in seen.identities and record.identity == Step.DONE:
        found.ours["identity"] = [record.name]
        # Whose it is now, its tag will tell: it is deleted only if it is ours.
        adopt.adopt_into_ledger(config, ResourceKind.IDENTITY, record.name, domain=record.name)
    strangers = _strangers(seen.all_rules, record.name, [*claimed, *found.ours.get("rules", ())])
    found.foreign = [rule.name for rule in strangers]


def _is_of_this_life(rule: ObservedRule, record: DomainDeletion, config: SesConfig) -> bool:
    """By where it stores, too: another installation may give its rule for the same domain the same name.

    By its name, whether or not the ledger knew it when the deletion began: a create may have gone without an answer.
    """
    mail = f"{record.bucket or config.bucket}/{record.key_prefix}"
    stores_there = bool(rule.key_prefixes) and all(prefix.startswith(mail) for prefix in rule.key_prefixes)
    ours = rule.name in record.rule_names or named_like_ours(rule, config.rule_prefix)
    return ours and rule.domain == record.name and stores_there


def _strangers(rules: Sequence[ObservedRule], name: str, known: Collection[str]) -> list[ObservedRule]:
    mail = frozenset({name})
    return [rule for rule in rules if rule.enabled and rule.name not in known and share_mail(rule.recipients, mail)]


def _note(record: DomainDeletion, seen: Observation, found: _Found) -> None:
    with changing(record) as row:
        if row.finished_at != record.finished_at:
            return  # somebody else has found something since: this look is older than the repair
        row.proof = _as_json(row, seen, found)
        row.retry_at = None
        if found.ours:
            row.proved_at = row.finished_at = None
            row.attempts = 0
            for step in found.ours:
                setattr(row, step, Step.OWED)
        elif found.problem:
            # Also where an earlier look had proved it: what is shown is the last look, and this one is made again.
            row.proved_at = None
            row.retry_at = database_now() + LONG_INTERVAL
        else:
            row.proved_at = seen.asked_at
            if row.look_again_at is not None and row.look_again_at <= seen.asked_at:
                row.look_again_at = None


# What `_as_json` tells, before anybody has looked.
NOT_LOOKED: dict[str, Any] = {
    "lookedAt": None,
    "receiptRules": False,
    "identity": False,
    "storedMail": False,
    "found": [],
    "foreignRules": [],
    "problem": "",
}


def _as_json(row: DomainDeletion, seen: Observation, found: _Found) -> dict[str, Any]:
    return {
        "lookedAt": timestamp(seen.asked_at),
        "receiptRules": True,
        "identity": not found.added_again and row.identity == Step.DONE,
        "storedMail": row.stored_mail == Step.DONE and not found.problem,
        "found": [name for names in found.ours.values() for name in names],
        "foreignRules": found.foreign,
        "problem": found.problem or (ADDED_AGAIN if found.added_again else ""),
    }


def out_of_sight(row: DomainDeletion) -> str:
    """A sentence if a look is due that nobody makes, because AWS_REGION or SES_RULE_SET has changed; else an empty string."""
    config = ses_config()
    again = row.look_again_at is not None and row.look_again_at <= timezone.now()
    if row.finished_at is None or not (row.proved_at is None or again):
        return ""
    if row.region == "" or (row.region, row.rule_set) == (config.region, config.rule_set):
        return ""
    return (
        f"It was received through rule set {row.rule_set} in {row.region}, which is not the configured one, so nobody looks "
        "there: see ses_cleanup with those as SES_RULE_SET and AWS_REGION, or set them so again."
    )


def in_words(row: DomainDeletion) -> str:
    """What the last look found, for people."""
    elsewhere = out_of_sight(row)
    if not row.proof:
        busy = sync_state.pending_domains().filter(domain=row.name).exists()
        why = "SES is being changed for this name, or waits for it" if busy else ""
        return ": ".join(filter(None, ["not looked yet", elsewhere or why]))
    said = [f"still there, so owed again: {', '.join(row.proof['found'])}" if row.proof["found"] else "nothing of ours"]
    if row.proof["foreignRules"]:
        said.append(f"rules of others that take mail for {row.name}: {', '.join(row.proof['foreignRules'])}")
    return "; ".join([*said, *filter(None, [row.proof["problem"], elsewhere])])
