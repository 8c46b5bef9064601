"""Deletion with a plan: `GET {id}/deletion-plan`, and `DELETE {id}` with `dry_run`, `plan` and `permanent` (docs/api/plans.md)."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from django.db.models import Model
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from rest.deletion.confirmation import DRY_RUN, GONE, PERMANENT, PLAN, Confirmation, plan_outdated, read_confirmation
from rest.deletion.plan import Plan
from rest.deletion.plan_token import Subject
from rest.filters import flag
from rest.viewsets import OwnedViewSet

Row = TypeVar("Row", bound=Model)


class PlannedDeletionViewSet(OwnedViewSet[Row]):
    """Base with both actions. Needs serializers for `deletion_plan` (of a plan's values) and `destroy` (of an outcome)."""

    parameters = {
        "destroy": {DRY_RUN: {"type": "boolean"}, PLAN: {"type": "string"}, PERMANENT: {"type": "boolean"}},
        "deletion_plan": {PERMANENT: {"type": "boolean"}},
    }
    # The `kind` of the plan's subject.
    plan_kind: ClassVar[str]

    def plan_of(self, row: Row, *, permanent: bool) -> Plan[Any, Any]:
        """`permanent`: of a deletion without a grace period."""
        raise NotImplementedError

    def values_of(self, plan: Plan[Any, Any]) -> dict[str, Any]:
        """What the caller is told of a plan."""
        return plan.as_values()

    def delete_row(self, row: Row, plan_token: str, *, permanent: bool) -> object:
        """Call the service. Raises the model's DoesNotExist if the row is gone, and PlanOutdated."""
        raise NotImplementedError

    @action(detail=True, url_path="deletion-plan")
    def deletion_plan(self, request: Request, pk: str) -> Response:
        """Show what deleting {one} would do."""
        permanent = bool(flag(PERMANENT, request.query_params.get(PERMANENT)))
        return Response(self._shown(self.plan_of(self.get_object(), permanent=permanent)))

    def destroy(self, request: Request, pk: str) -> Response:
        """Delete {one}, or show what that would do."""
        asked = read_confirmation(request)
        try:
            row = self.get_object()
        except NotFound:
            return self.answer_for_missing(pk, asked)
        if asked.dry_run:
            plan = self.plan_of(row, permanent=asked.permanent)
            if asked.token:
                plan.check(str(asked.token))
            return Response(self._shown(plan))
        try:
            outcome = self.delete_row(row, str(asked.token or ""), permanent=asked.permanent)
        except self.model.DoesNotExist:
            # Another request was faster.
            return self.answer_for_missing(pk, asked)
        return Response(self.get_serializer(outcome).data)

    def answer_for_missing(self, pk: str, asked: Confirmation) -> Response:
        """Raise 409 if the client confirms a plan of this very row, which is gone or going. Otherwise raise 404."""
        if asked.token and asked.token.is_of(Subject(self.plan_kind, pk, self.caller.pk)):
            raise plan_outdated(GONE)
        raise NotFound(self.not_found)

    def _shown(self, plan: Plan[Any, Any]) -> Any:
        return self.serializer_classes["deletion_plan"](self.values_of(plan)).data
