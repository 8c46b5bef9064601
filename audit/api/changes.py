"""`/audit-log`: the changes of the caller's objects (docs/audit.md)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.mixins import ListModelMixin

from audit.actions import WORDS
from audit.api.filters import FILTERS
from audit.models import Change
from audit.origin import ROLE, Door
from rest.fields import TextOrNull, Timestamp
from rest.serializers import ReadModelSerializer
from rest.viewsets import OwnedViewSet


class _ObjectType(serializers.CharField):
    def to_representation(self, value: Any) -> str:
        return WORDS.get(value, str(value))


class ChangeSerializer(ReadModelSerializer[Change]):
    id = serializers.CharField(source="pk")
    at = Timestamp()
    objectType = _ObjectType(source="object_type")
    objectId = serializers.CharField(source="object_id")
    objectName = serializers.CharField(source="object_name")
    who = TextOrNull()
    key = TextOrNull()
    remoteAddress = TextOrNull(source="remote")
    requestId = TextOrNull(source="request_id")
    via = TextOrNull()
    # With a type, because JSON of any type is null in two ways, which the description does not allow.
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)

    class Meta:
        model = Change
        fields = [
            "id", "at", "action", "objectType", "objectId", "objectName", "door", "who", "key", "remoteAddress", "requestId", "via",
            "before", "after",
        ]  # fmt: skip

    def to_representation(self, instance: Change) -> dict[str, Any]:
        """Leave out what others, operators and machines have of their own, such as who has ended a claim of the caller."""
        shown = super().to_representation(instance)
        is_own = instance.door == Door.API and instance.who == self.context["request"].user.get_username()
        if not is_own:
            shown |= dict.fromkeys(["key", "remoteAddress", "requestId"])
            is_named = instance.door == Door.ADMIN or instance.via.startswith(ROLE)
            shown["who"] = shown["who"] if is_named else None
        return shown


class AuditLogViewSet(ListModelMixin, OwnedViewSet[Change]):
    queryset = Change.objects.order_by("-id")
    summaries = {"list": "List changes, newest first"}
    not_found = "Entry not found"
    serializer_class = ChangeSerializer
    filters = FILTERS
