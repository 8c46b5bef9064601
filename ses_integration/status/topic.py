"""How many rules tell the configured topic of their mail, as recorded in the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from ses_integration.conf import SesConfig
from ses_integration.models import LedgerEntry
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.reconcile import snapshot


@dataclass(frozen=True, slots=True)
class TopicProgress:
    """`done` of `rules` have the topic. The others get it with their next update."""

    done: int
    rules: int


def topic_progress(config: SesConfig) -> TopicProgress | None:
    """Compare the rules of live domains with what they should do with mail; two statements. None without a topic.

    A rule that differs otherwise, for example in its bucket, counts as one without the topic: both change with one call.
    """
    if not config.topic_arn:
        return None
    desired = snapshot.desired_digests(config)
    rules = LedgerEntry.objects.of(config).filter(kind=ResourceKind.RULE)
    exists = Q(presence=Presence.PRESENT) | Q(presence=Presence.UNKNOWN, exists=True)
    columns = rules.filter(exists).values_list("domain", "presence", "digest")
    found = [row for row in columns if row[0] in desired]
    done = sum(presence == Presence.PRESENT and desired[domain] == digest for domain, presence, digest in found)
    return TopicProgress(done=done, rules=len(found))
