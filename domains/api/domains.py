"""`/domains`, with their DNS records and deletion plans (docs/api/calls.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.db.models import Count, Q, QuerySet
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.mixins import CreateModelMixin, ListModelMixin, RetrieveModelMixin, UpdateModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from domains.api import authentication, deletion_serializers, record_serializers, serializers, verification_check
from domains.api.authentication import AuthenticationActions
from domains.api.shares import PAGE, REFUSALS, SHARES, ShareActions
from domains.deletion import service
from domains.deletion.report import sync_states_of
from domains.deletion_plan import build
from domains.deletion_plan.model import KIND, DeletionPlan
from domains.grace.end import continue_deletion
from domains.grace.period import NotInGrace
from domains.lifecycle import catch_all, register
from domains.lifecycle.authenticate import MailFromRefused
from domains.lifecycle.held import DomainRestorable
from domains.lifecycle.mail_from import MailFromConflict
from domains.lists import NAME
from domains.models import Domain, DomainDeletion, endpoints_of
from domains.names import RefusedName
from domains.verification.check import check_one, check_page
from domains.verification.claims import Proof
from domains.verification.rows import STORED
from rest.access.roles import Deed
from rest.access.rows import member_of
from rest.deletion.confirmation import GONE, Confirmation, plan_outdated
from rest.deletion.viewset import PlannedDeletionViewSet
from rest.errors import Conflict, Failed, Refused
from rest.filters import ChoiceFilter, FlagFilter, TextFilter, containing, flag
from rest.ids import find_or_none, is_id
from ses_integration.api import RecordedIdentity, RecordedRecipients

NO_ENDPOINT = "Endpoint not found or does not belong to user"
OWN = "You have already added this domain to your account"
REGISTERED = {
    "error": (
        "This domain is already registered on our platform. If you believe this is an error or you need to transfer "
        "ownership, please contact our support team."
    ),
    "code": "DOMAIN_ALREADY_REGISTERED",
}


def _reason(error: Any) -> dict[str, Any]:
    """Why a name is refused, and the record with which its owner proves it."""
    details = {"details": str(error)} if str(error) else {}
    proof: Proof | None = getattr(error, "proof", None)
    return details | ({"proof": {"type": "TXT", "name": proof.name, "value": proof.value}} if proof else {})


class DomainViewSet(
    AuthenticationActions,
    ShareActions,
    ListModelMixin,
    CreateModelMixin,
    RetrieveModelMixin,
    UpdateModelMixin,
    PlannedDeletionViewSet[Domain],
):
    http_method_names = [*PlannedDeletionViewSet.http_method_names, "patch"]
    queryset = Domain.objects.live().order_by("-created_at", "id")
    summaries = {"update": "Switch the catch-all of a domain on or off"}
    not_found = "Domain not found"
    serializer_class = serializers.DomainSerializer
    serializer_classes = {
        "list": serializers.ListedDomainSerializer,
        "create": serializers.DomainBody,
        "update": serializers.CatchAllBody,
        "destroy": deletion_serializers.DeletionSerializer,
        "deletion_plan": deletion_serializers.DeletionPlanSerializer,
        "dns_records": record_serializers.RecordsOfDomainSerializer,
        "status_history": record_serializers.StatusHistorySerializer,
        "auth": authentication.StartBody,
        "verify": authentication.VerifiedSerializer,
        "partial_update": authentication.MailFromSerializer,
        **SHARES,
    }
    filters = [
        ChoiceFilter("status", "status", Domain.Status.values),
        FlagFilter("canReceive", "can_receive_emails"),
        NAME,
        TextFilter("search", containing("name")),
    ]
    errors = {
        RefusedName: lambda error: Refused({"error": "Invalid domain format", **_reason(error)}),
        register.DomainTaken: lambda error: Conflict(OWN if error.own else REGISTERED | _reason(error)),
        NotInGrace: lambda error: Conflict(error.sentence),
        DomainRestorable: lambda error: Conflict(deletion_serializers.restorable(error.deletion, error.sentence())),
        register.DnsConflict: lambda error: Refused(str(error)),
        MailFromRefused: lambda error: Failed(
            {"error": "Failed to configure SES authentication", "details": str(error)}
        ),
        MailFromConflict: lambda error: Conflict({"error": str(error), "code": "DOMAIN_IS_MAIL_FROM"}),
        catch_all.EndpointGone: lambda _: ValidationError(NO_ENDPOINT),
        **REFUSALS,
    }
    parameters = {
        **PlannedDeletionViewSet.parameters,
        "list": {"check": {"type": "boolean"}},
        "retrieve": {"check": {"type": "boolean"}},
        "shares": PAGE,
    }
    creating = ("create", "auth", "share")
    deeds = {
        "update": Deed.SET_CATCH_ALL,
        "verify": Deed.CHECK,
        **dict.fromkeys(("auth", "partial_update"), Deed.VERIFY),
        # It names the owner's other domains, and says where mail is stored.
        **dict.fromkeys(("deletion_plan", "destroy"), Deed.DELETE),
        **dict.fromkeys(SHARES, Deed.SHARE),
    }
    page_serializer = serializers.DomainPageSerializer
    plan_kind = KIND

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        rows = rows.with_role(self.caller) if self.action == "list" else rows
        return rows.select_related("owner") if self.action in ("destroy", "deletion_plan") else rows

    def with_details(self, rows: QuerySet[Domain]) -> QuerySet[Domain]:
        return rows.select_related("catch_all_endpoint")

    @property
    def checks_ses(self) -> bool:
        return bool(flag("check", self.request.query_params.get("check")))

    def serializer_facts(self, rows: Sequence[Domain]) -> dict[str, Any]:
        return {
            "checks": self._check(rows) if self.checks_ses else {},
            "identities": RecordedIdentity.by_domain(row.name for row in rows),
            "taken": RecordedRecipients().taken_by_others([row.name for row in rows]),
            "received": serializers.received_counts(rows[0]) if self.action == "retrieve" else {},
        }

    def _check(self, rows: Sequence[Domain]) -> dict[str, Any]:
        """Check the rows, which then have what was stored, and return what the answer says about it, by name."""
        alone = self.action == "retrieve"
        checks = {}
        for checked in filter(None, [check_one(rows[0])] if alone else check_page(rows)):
            shown = verification_check.shown_alone if alone else verification_check.shown_in_list
            checks[checked.domain.name] = {"verificationCheck": shown(checked)}
            if alone:
                checks[checked.domain.name] |= verification_check.recommendations(checked)
            row = next(row for row in rows if row.pk == checked.domain.pk)
            for column in STORED:
                setattr(row, column, getattr(checked.domain, column))
        return checks

    # Set by `count`, for `meta`.
    counts: dict[str, int]

    def count(self, rows: QuerySet[Domain]) -> int:
        """Count all rows that match the filters, also by status and catch-all for `meta`; one statement."""
        self.counts = rows.aggregate(
            total=Count("pk"),
            catch_all=Count("pk", filter=Q(is_catch_all_enabled=True)),
            **{status.value: Count("pk", filter=Q(status=status)) for status in Domain.Status},
        )
        total: int = self.counts["total"]
        return total

    def get_paginated_response(self, data: Any) -> Response:
        answer = super().get_paginated_response(data)
        if self.checks_ses:
            # The check may have changed some statuses.
            self.count(self.filter_queryset(self.get_queryset()))
        counts = self.counts
        answer.data["meta"] = {
            "totalCount": counts["total"],
            "verifiedCount": counts["verified"],
            "withCatchAllCount": counts["catch_all"],
            "statusBreakdown": {name: counts[name] for name in ("verified", "pending", "failed")},
        }
        return answer

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        serializer.instance = register.add_domain(owner=self.caller, **serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        domain, body = cast(Domain, serializer.instance), serializer.validated_data
        enabled = body["enabled"]
        endpoint_id = self._endpoint_id(domain, body.get("endpoint_id")) if enabled else None
        serializer.instance = catch_all.set_catch_all(
            domain=domain, enabled=enabled, endpoint_id=endpoint_id, member=member_of(domain, self.caller)
        )

    def _endpoint_id(self, domain: Domain, endpoint_id: str | None) -> str:
        if domain.status != Domain.Status.VERIFIED:
            raise ValidationError("Domain must be verified before configuring catch-all")
        if not endpoint_id:
            raise ValidationError("catchAllEndpointId is required when enabling catch-all")
        endpoint = find_or_none(endpoints_of(domain.owner_id), endpoint_id)
        if endpoint is None:
            raise ValidationError(NO_ENDPOINT)
        if not endpoint.is_active:
            raise ValidationError("Selected endpoint is not active")
        return endpoint_id

    @action(detail=True, url_path="status-history")
    def status_history(self, request: Request, pk: str) -> Response:
        """List the changes of a domain's status, newest first."""
        return Response(self.get_serializer(self.get_object()).data)

    @action(detail=True, url_path="dns-records")
    def dns_records(self, request: Request, pk: str) -> Response:
        """List the DNS records to publish for a domain."""
        return Response(self.get_serializer(self.get_object()).data)

    def plan_of(self, row: Domain, *, permanent: bool) -> DeletionPlan:
        """Build the plan. Asks S3 and DNS within their time limits, but not SES."""
        return build.plan_of(row, permanent=permanent)

    def delete_row(self, row: Domain, plan_token: str, *, permanent: bool) -> DomainDeletion:
        who = self.caller.get_username()
        return service.delete_domain(domain=row, requested_by=who, plan_token=plan_token, permanent=permanent)

    def answer_for_missing(self, pk: str, asked: Confirmation) -> Response:
        """Continue the domain's unfinished deletion and answer with its report. Without one, raise 404 or 409 as usual.

        `permanent=true` ends its grace period first.
        """
        if asked.dry_run and not asked.token:
            return super().answer_for_missing(pk, asked)
        pending = DomainDeletion.objects.pending().owned_by(self.caller)
        deletion = pending.filter(domain_id=pk).first() if is_id(pk) else None
        if deletion is None:
            return super().answer_for_missing(pk, asked)
        if asked.token:
            raise plan_outdated(GONE)
        deletion = continue_deletion(deletion, permanent=asked.permanent)
        facts = {"sync_states": sync_states_of([deletion])}
        return Response(deletion_serializers.UnfinishedDeletionSerializer(deletion, context=facts).data)
