"""POST /email-addresses/bulk-delete: many addresses in one request, one rule update for those of one rule."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from addresses.api.views import NOT_FOUND, OwnAddresses
from addresses.deletion import AddressDeletion, delete_addresses
from addresses.models import EmailAddress
from domains.models import Domain
from rest.confirmation import refuse_plan
from rest.fields import Body, Text
from rest.lookup import ID, find

MOST_AT_ONCE = 1000
NO_PLAN = "bulk-delete has no plan: ask for that of each address. Nothing was deleted."


class BulkDeleteBody(Body):
    ids = serializers.ListField(child=Text(), required=False, allow_empty=False, max_length=MOST_AT_ONCE)
    domainId = Text(required=False)

    def to_internal_value(self, data: Any) -> Any:
        if set(data) - {"ids", "domainId"}:
            raise ValidationError(
                {"error": "bulk-delete takes ids or domainId, and nothing else. Nothing was deleted."}
            )
        if ("ids" in data) == ("domainId" in data):
            raise ValidationError({"error": "Give either ids or domainId"})
        ids = data.get("ids", [""])
        if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_AT_ONCE or not all(type(pk) is str for pk in ids):
            raise ValidationError({"error": f"ids must be a list of 1 to {MOST_AT_ONCE} strings"})
        return super().to_internal_value(data)


class BulkDelete(OwnAddresses):
    required_scope = "delete"

    def post(self, request: Request) -> Response:
        """One result for each id, in the order of the request; of a domain the oldest 1,000, and how many remain."""
        refuse_plan(request, NO_PLAN)
        body = BulkDeleteBody.read(request.data)
        if "domainId" in body and request.headers.get("Idempotency-Key"):
            # A run that was killed after its commit is run again, and would take the next thousand.
            raise ValidationError("With an Idempotency-Key, bulk-delete takes ids. Nothing was deleted.")
        own = EmailAddress.objects.live().owned_by(request.user)
        if "ids" in body:
            ids = list(dict.fromkeys(body["ids"]))
            own = own.filter(pk__in=[pk for pk in ids if ID.fullmatch(pk)])
        else:
            domains = Domain.objects.live().owned_by(request.user)
            own = own.filter(domain=find(domains, body["domainId"], "Domain not found or access denied"))
            ids = list(own.order_by("created_at", "pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
            own = own.filter(pk__in=ids)
        done = delete_addresses(list(own))
        answer: dict[str, Any] = {
            "results": [_result(pk, done.get(pk)) for pk in ids],
            "summary": {
                "requested": len(ids),
                "deleted": len(done),
                "sesConfirmed": sum(deletion.removed_from_ses for deletion in done.values()),
            },
        }
        if "domainId" in body:
            left = EmailAddress.objects.filter(domain_id=body["domainId"])
            answer["summary"]["remaining"] = left.count()
        return Response(answer)


def _result(pk: str, deletion: AddressDeletion | None) -> dict[str, Any]:
    if deletion is None:
        return {"id": pk, "deleted": False, "error": NOT_FOUND}
    cleanup: dict[str, Any] = {
        "sesRuleUpdated": deletion.removed_from_ses,
        "emailAddress": deletion.address,
        "domain": deletion.domain,
    }
    return {"id": pk, "deleted": True, "cleanup": cleanup | ({"warning": deletion.warning} if deletion.warning else {})}
