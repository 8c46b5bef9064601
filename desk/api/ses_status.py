"""`/ses/status`: quotas, workers, what needs you, and whether SES is up to date with each domain. Reads the database."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.response import Response

from desk.state.read import read_state
from desk.state.values import IDENTITIES, RECIPIENTS, RULES, State
from domains.models import Domain
from rest.fields import SchemaOnly, TextOrNull, Timestamp
from rest.serializers import ReadSerializer
from rest.viewsets import OwnedViewSet
from ses_integration.api import RecordedRecipients, SyncState


class UsedSerializer(ReadSerializer[Any]):
    used = serializers.IntegerField()
    quota = serializers.IntegerField(source="limit")


class WorkerSerializer(ReadSerializer[Any]):
    kind = serializers.CharField()
    isAlive = serializers.BooleanField(source="is_alive")
    lastSeen = Timestamp(source="last_round_at")


class AttentionSerializer(ReadSerializer[Any]):
    """What waits or is wrong: the caller's, or the whole installation's without the names of others."""

    kind = serializers.CharField(source="kind.value")
    level = serializers.CharField(source="level.wire")
    subject = serializers.CharField()
    what = serializers.CharField()
    reason = TextOrNull(source="why")
    advice = TextOrNull(source="act")
    since = Timestamp()
    tries = serializers.IntegerField()
    nextTry = Timestamp(source="next_try")
    domain = TextOrNull()


class InstallationSerializer(ReadSerializer[Any]):
    """What is not about one domain: a state, with its quotas by name."""

    region = serializers.CharField()
    ruleSet = serializers.CharField(source="rule_set")
    rules = UsedSerializer()
    identities = UsedSerializer()
    recipientsPerRule = serializers.IntegerField(source="recipients.limit")
    workers = WorkerSerializer(many=True)
    attention = AttentionSerializer(many=True, source="findings")


class SyncStateSerializer(ReadSerializer[Any]):
    state = serializers.CharField(source="status.wire")
    reason = TextOrNull()
    nextTry = Timestamp(source="next_try")


class DomainStatusSerializer(serializers.Serializer[Domain]):
    """One domain. The context has `sync_states` and `rules`, both by domain name."""

    id = serializers.CharField(source="pk")
    domain = serializers.CharField(source="name")
    state = SchemaOnly("string")
    reason = TextOrNull()
    nextTry = Timestamp()
    rules = SchemaOnly("array")

    def to_representation(self, instance: Domain) -> dict[str, Any]:
        rules = self.context["rules"].get(instance.name, {})
        return {
            "id": instance.pk,
            "domain": instance.name,
            **SyncStateSerializer(self.context["sync_states"][instance.name]).data,
            "rules": [{"name": name, "recipients": recipients} for name, recipients in rules.items()],
        }


class SesStatusViewSet(ListModelMixin, OwnedViewSet[Domain]):
    queryset = Domain.objects.live().order_by("name")
    not_found = "Domain not found"
    serializer_class = DomainStatusSerializer
    page_serializer = InstallationSerializer
    summaries = {"list": "Show quotas, workers and what needs you, and list how far SES follows each domain"}

    def serializer_facts(self, rows: Sequence[Domain]) -> dict[str, Any]:
        return {
            "sync_states": SyncState.by_domain(row.name for row in rows),
            "rules": RecordedRecipients().by_rule(
                {row.name: row.key_prefix for row in rows},
                # `email_addresses` is the reverse accessor of addresses.EmailAddress, an app above this one.
                Domain.objects.filter(pk__in=[row.pk for row in rows]).values("email_addresses__address"),
                [row.name for row in rows if row.receives_everything],
            ),
        }

    def get_paginated_response(self, data: Any) -> Response:
        answer = super().get_paginated_response(data)
        answer.data = {**InstallationSerializer(_with_quotas(read_state(self.caller))).data, **answer.data}
        return answer


def _with_quotas(state: State) -> SimpleNamespace:
    quotas = {quota.name: quota for quota in state.quotas}
    return SimpleNamespace(
        region=state.region,
        rule_set=state.rule_set,
        workers=state.workers,
        findings=state.findings,
        rules=quotas[RULES],
        identities=quotas[IDENTITIES],
        recipients=quotas[RECIPIENTS],
    )
