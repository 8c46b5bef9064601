"""`/email-addresses`, with bulk deletion and deletion plans (docs/api/compatibility.md, "Email addresses")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.db.models import QuerySet
from django.utils.functional import cached_property
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.mixins import CreateModelMixin, ListModelMixin, RetrieveModelMixin, UpdateModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from addresses import deletion, deletion_plan, services
from addresses.api import serializers, totals
from addresses.api.bulk_delete import MOST_AT_ONCE, BulkDeleteBody, BulkDeletion
from addresses.deletion_plan import KIND, AddressPlan
from addresses.models import EmailAddress, EmailAddressQuerySet
from domains.lifecycle.catch_all import EndpointGone
from domains.lists import DOMAIN, DOMAIN_ID, domains_of
from domains.models import Domain, endpoints_of
from domains.names import domain_of, normalise_address
from rest.access.roles import Deed, may, role_from
from rest.access.rows import member_of, owner_of
from rest.deletion.confirmation import PERMANENT
from rest.deletion.plan import Plan
from rest.deletion.viewset import PlannedDeletionViewSet
from rest.errors import Conflict
from rest.filters import FlagFilter, TextFilter, containing, flag, named
from rest.ids import find, is_id
from ses_integration.api import SyncState

NO_DOMAIN = "Domain not found or access denied"
NO_ENDPOINT = "Endpoint not found or access denied"
NO_WEBHOOK = "Webhook not found or access denied"

ACTIVE = FlagFilter("isActive", "is_active")
CONFIGURED = FlagFilter("isReceiptRuleConfigured", EmailAddressQuerySet.configured)
ADDRESS = TextFilter("address", named("address", normalise_address))
SEARCH = TextFilter("search", containing("address"))
# If SES may not follow more domains than this, the total compares all addresses with the ledger.
MAX_BEHIND = 1000


class EmailAddressViewSet(
    ListModelMixin,
    CreateModelMixin,
    RetrieveModelMixin,
    UpdateModelMixin,
    PlannedDeletionViewSet[EmailAddress],
):
    queryset = EmailAddress.objects.live().order_by("-created_at", "id")
    not_found = "Email address not found"
    serializer_class = serializers.EmailAddressSerializer
    serializer_classes = {
        "create": serializers.CreateAddressBody,
        "update": serializers.UpdateAddressBody,
        "destroy": serializers.AddressDeletionSerializer,
        "deletion_plan": serializers.AddressPlanSerializer,
    }
    filters = [ACTIVE, CONFIGURED, DOMAIN_ID, DOMAIN, ADDRESS, SEARCH]
    errors = {
        services.AddressTaken: lambda _: Conflict("Email address already exists"),
        EndpointGone: lambda _: NotFound(NO_ENDPOINT),
        Domain.DoesNotExist: lambda _: NotFound(EmailAddressViewSet.not_found),
    }
    parameters = {**PlannedDeletionViewSet.parameters, "bulk_delete": {PERMANENT: {"type": "boolean"}}}
    plan_kind = KIND
    deeds = dict.fromkeys(("create", "update", "destroy", "deletion_plan", "bulk_delete"), Deed.CHANGE_ADDRESSES)

    def with_details(self, rows: EmailAddressQuerySet) -> EmailAddressQuerySet:
        # Only what the serializer shows: reading all columns would take a fifth of the time of a page.
        columns = ["address", "domain_id", "endpoint_id", "is_active", "created_at", "updated_at"]
        columns += ["domain__name", "domain__owner_id", "domain__status"]
        columns += ["endpoint__name", "endpoint__config", "endpoint__is_active"]
        return rows.select_related("domain", "endpoint").only(*columns).with_rule_name()

    @cached_property
    def unconfigured_count(self) -> int | None:
        """Number of the active addresses in the list's domains that are not configured. None if counting takes long."""
        behind = SyncState.maybe_behind(MAX_BEHIND)
        if not behind:
            return None if behind is None else 0
        rows: Any = self.visible(EmailAddress.objects.live()).active().configured(False).filter(domain__name__in=behind)
        for each in (DOMAIN_ID, DOMAIN):
            rows = each.apply(rows, self.request.query_params.get(each.parameter))
        unconfigured: int = rows.count()
        return unconfigured

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query parameters, with `isActive` in place of `isReceiptRuleConfigured` if that finds the same addresses."""
        given = self.request.query_params.dict()
        active, configured = self._flags()
        if configured is not None and active in (None, configured) and self.unconfigured_count == 0:
            given[ACTIVE.parameter] = given.pop(CONFIGURED.parameter)
        return given

    def _flags(self) -> tuple[bool | None, bool | None]:
        """The values of the filters `isActive` and `isReceiptRuleConfigured`; None without the filter."""
        given = self.request.query_params
        return ACTIVE.value(given.get(ACTIVE.parameter)), CONFIGURED.value(given.get(CONFIGURED.parameter))

    def count(self, rows: QuerySet[EmailAddress]) -> int:
        if any(self.query.get(each.parameter) for each in (ADDRESS, SEARCH)):
            return super().count(rows)
        active, configured = self._flags()
        unconfigured = 0 if configured is None else self.unconfigured_count
        if unconfigured is None:
            return super().count(rows)
        return totals.total(domains_of(self), active=active, configured=configured, unconfigured=unconfigured)

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        body = serializer.validated_data
        address = body["address"]
        domain = self._domain(body["domain_id"])
        if domain_of(address) != domain.name:
            raise ValidationError(f"Email address must belong to domain {domain.name}")
        if EmailAddress.objects.filter(address=address).exists():
            raise services.AddressTaken
        endpoint_id = self._endpoint_id(body, domain.owner_id)
        try:
            serializer.instance = services.create_address(
                domain=domain,
                address=address,
                endpoint_id=endpoint_id,
                is_active=body["is_active"],
                member=member_of(domain, self.caller),
            )
        except Domain.DoesNotExist as error:
            raise NotFound(NO_DOMAIN) from error

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        body = serializer.validated_data
        address = cast(EmailAddress, serializer.instance)
        endpoint_id = self._endpoint_id(body, owner_of(address, self.caller))
        changes = {"is_active": body["is_active"]} if "is_active" in body else {}
        # `webhookId: null` leaves the endpoint unchanged; webhooks do not exist yet.
        if "endpoint_id" in body:
            changes["endpoint_id"] = endpoint_id
        serializer.instance = services.update_address(
            address=address, changes=changes, member=member_of(address, self.caller)
        )

    def _domain(self, pk: str | None) -> Domain:
        if not is_id(pk):
            raise NotFound(NO_DOMAIN)
        return cast(Domain, self.find(Domain.objects.live(), NO_DOMAIN, pk=pk))

    def _endpoint_id(self, body: dict[str, Any], owner_id: int) -> str | None:
        """The id of the endpoint of the domain's owner that the body names, or None. Inactive endpoints are accepted."""
        if body.get("webhook_id"):
            raise NotFound(NO_WEBHOOK)
        if not body.get("endpoint_id"):
            return None
        return str(find(endpoints_of(owner_id), body["endpoint_id"], NO_ENDPOINT).pk)

    def plan_of(self, row: EmailAddress, *, permanent: bool) -> AddressPlan:
        """Build the plan from the database: the state of SES is the last confirmed one."""
        return deletion_plan.plan_of(row, permanent=permanent)

    def values_of(self, plan: Plan[Any, Any]) -> dict[str, Any]:
        """Those with whom the domain is shared are not told which endpoints name the address, and how."""
        values = super().values_of(plan)
        if not may(role_from(plan.subject.owner_id, self.caller.pk), Deed.SEE_PRIVATE):
            values["stays"] = {**values["stays"], "dependentEndpoints": []}
        return values

    def delete_row(self, row: EmailAddress, plan_token: str, *, permanent: bool) -> deletion.AddressDeletion:
        member = member_of(row, self.caller)
        return deletion.delete_address(row, plan_token=plan_token, permanent=permanent, member=member)

    @action(
        detail=False, methods=["post"], url_path="bulk-delete", required_scope="delete", serializer_class=BulkDeleteBody
    )
    def bulk_delete(self, request: Request) -> Response:
        """Delete up to 1,000 addresses."""
        serializer: BaseSerializer[Any] = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        permanent = bool(flag(PERMANENT, request.query_params.get(PERMANENT)))
        serializer.instance = self._delete_many(**serializer.validated_data, permanent=permanent)
        return Response(serializer.data)

    def _delete_many(
        self, ids: list[str] | None = None, domain_id: str | None = None, *, permanent: bool
    ) -> BulkDeletion:
        """Delete the addresses with these ids, or the oldest of a domain."""
        rows = self.visible(EmailAddress.objects.live())
        if ids is None:
            oldest = rows.filter(domain=self._domain(domain_id)).order_by("created_at", "pk")
            ids = list(oldest.values_list("pk", flat=True)[:MOST_AT_ONCE])
        ids = list(dict.fromkeys(ids))
        found = rows.filter(pk__in=[pk for pk in ids if is_id(pk)]).only("pk")
        chosen = list(found.with_role(self.caller))
        refused = self._refused(chosen)
        chosen = [row for row in chosen if row.pk not in refused]
        is_member = any(member_of(row, self.caller) for row in chosen)
        member = self.caller.pk if is_member else None
        deleted = deletion.delete_addresses(chosen, permanent=permanent, member=member)
        remaining = EmailAddress.objects.filter(domain_id=domain_id).count() if domain_id is not None else None
        return BulkDeletion(ids, deleted, refused, remaining)

    def _refused(self, rows: Iterable[EmailAddress]) -> dict[str, str]:
        """Why the caller may not delete some of these rows, by id."""
        refused = {}
        for row in rows:
            try:
                self.check_object_permissions(self.request, row)
            except PermissionDenied as refusal:
                refused[row.pk] = str(refusal.detail)
        return refused
