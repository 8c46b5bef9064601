"""`/ses/status`: the quotas of SES, and whether it is up to date with each domain. Reads only the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.response import Response

from domains.models import Domain
from rest.fields import SchemaOnly, TextOrNull, Timestamp
from rest.serializers import ReadSerializer
from rest.viewsets import OwnedViewSet
from ses_integration.api import RecordedRecipients, SyncState, capacity


class UsedSerializer(ReadSerializer[Any]):
    used = serializers.IntegerField(source="total")
    quota = serializers.IntegerField()


class CapacitySerializer(ReadSerializer[Any]):
    """Region and quotas, which all domains of the installation share."""

    region = serializers.CharField()
    ruleSet = serializers.CharField(source="rule_set")
    rules = UsedSerializer()
    identities = UsedSerializer()
    recipientsPerRule = serializers.IntegerField(source="recipients_per_rule")


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
    page_serializer = CapacitySerializer

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
        answer.data = {**CapacitySerializer(capacity()).data, **answer.data}
        return answer
