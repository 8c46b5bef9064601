from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from addresses import deletion, services
from addresses.api import serializers
from addresses.deletion_plan import build, render
from addresses.models import EmailAddress, EmailAddressQuerySet
from domains.lifecycle.catch_all import EndpointGone
from domains.models import Domain
from domains.names import domain_of, normalise_address
from rest.confirmation import GONE, Confirmation, confirmation, outdated
from rest.errors import Conflict
from rest.lookup import filter_by_id, find, flag
from rest.plan_token import PlanOutdated, Subject

NOT_FOUND = "Email address not found"
NO_ENDPOINT = "Endpoint not found or access denied"


class OwnAddresses(GenericAPIView[EmailAddress]):
    serializer_class = serializers.EmailAddressSerializer

    def get_queryset(self) -> EmailAddressQuerySet:
        return (
            EmailAddress.objects.live()
            .owned_by(self.request.user)
            .select_related("domain", "endpoint")
            .with_rule_name()
            .order_by("-created_at", "id")
        )

    def endpoint_id(self, body: dict[str, Any]) -> str | None:
        """The id of the caller's own endpoint that the body names, or None. Inactive ones are accepted."""
        if body.get("webhookId"):
            raise NotFound("Webhook not found or access denied")
        if not body.get("endpointId"):
            return None
        # `endpoints` is the reverse accessor of endpoints.Endpoint, which stands above this app.
        endpoints = cast(User, self.request.user).endpoints.all()
        return str(find(endpoints, body["endpointId"], NO_ENDPOINT).pk)


class AddressList(OwnAddresses):
    def get(self, request: Request) -> Response:
        rows = EmailAddress.objects.live().owned_by(request.user).order_by("-created_at", "id")
        if (active := flag(request, "isActive")) is not None:
            rows = rows.filter(is_active=active)
        if (configured := flag(request, "isReceiptRuleConfigured")) is not None:
            rows = rows.configured(configured)
        found = filter_by_id(rows, request, "domainId", "domain_id")
        # The keys of the page first: joins and the name of the rule only for those, not for all that are skipped.
        page: Any = self.paginate_queryset(found.values_list("pk", flat=True))
        shown = self.get_queryset().filter(pk__in=page)
        return self.get_paginated_response(self.get_serializer(shown, many=True).data)

    def post(self, request: Request) -> Response:
        body = serializers.CreateAddressBody.read(request.data)
        try:
            address = normalise_address(body["address"])
        except ValueError as error:
            raise ValidationError("Invalid email address format") from error
        domains = Domain.objects.live().owned_by(request.user)
        domain = find(domains, body["domainId"], "Domain not found or access denied")
        if domain_of(address) != domain.name:
            raise ValidationError(f"Email address must belong to domain {domain.name}")
        if EmailAddress.objects.filter(address=address).exists():
            raise Conflict("Email address already exists")
        if body.get("endpointId"):
            body.pop("webhookId", None)  # the endpoint wins (docs/api/compatibility.md, "New addresses")
        endpoint_id = self.endpoint_id(body)
        try:
            change = services.create_address(
                domain=domain, address=address, endpoint_id=endpoint_id, is_active=body["isActive"]
            )
        except services.AddressTaken as error:
            raise Conflict("Email address already exists") from error
        except EndpointGone as error:
            raise NotFound(NO_ENDPOINT) from error
        except EmailAddress.DoesNotExist as error:
            raise NotFound(NOT_FOUND) from error
        except Domain.DoesNotExist as error:
            raise NotFound("Domain not found or access denied") from error
        return Response(serializers.changed(change), status=201)


class AddressDetail(OwnAddresses):
    def get(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(find(self.get_queryset(), pk, NOT_FOUND)).data)

    def put(self, request: Request, pk: str) -> Response:
        address = find(self.get_queryset(), pk, NOT_FOUND)
        body = serializers.UpdateAddressBody.read(request.data)
        if body.get("endpointId") and body.get("webhookId"):
            raise ValidationError("Cannot specify both endpoint and webhook")
        changes: dict[str, Any] = {}
        target = self.endpoint_id(body)
        # Null clears that one only; a null webhook, of which there are none, leaves the endpoint alone.
        if "endpointId" in body:
            changes["endpoint_id"] = target
        if "isActive" in body:
            changes["is_active"] = body["isActive"]
        try:
            change = services.update_address(address=address, changes=changes)
        except EndpointGone as error:
            raise NotFound(NO_ENDPOINT) from error
        except EmailAddress.DoesNotExist as error:
            raise NotFound(NOT_FOUND) from error
        return Response(serializers.changed(change))

    def delete(self, request: Request, pk: str) -> Response:
        asked = confirmation(request)
        address = self._find(pk, asked)
        if asked.dry_run:
            plan = build.plan_of(address)
            if asked.token not in (None, plan.token):
                raise outdated()
            return Response(render.as_json(plan))
        try:
            done = deletion.delete_address(address, plan_token=str(asked.token or ""))
        except PlanOutdated as error:
            raise outdated() from error
        except EmailAddress.DoesNotExist as error:
            raise (NotFound(NOT_FOUND) if asked.token is None else outdated(GONE)) from error
        return Response(serializers.deleted(done))

    def _find(self, pk: str, asked: Confirmation) -> EmailAddress:
        """404 for what the caller has not; 409 where it had it when the plan that is confirmed was made."""
        try:
            return find(self.get_queryset(), pk, NOT_FOUND)
        except NotFound:
            if asked.token and asked.token.is_of(Subject(build.KIND, pk, cast(User, self.request.user).pk)):
                raise outdated(GONE) from None
            raise


class AddressDeletionPlan(OwnAddresses):
    def get(self, request: Request, pk: str) -> Response:
        """Reads the database only: SES's side as it was last confirmed."""
        return Response(render.as_json(build.plan_of(find(self.get_queryset(), pk, NOT_FOUND))))
