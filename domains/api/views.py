from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from domains.api import deletion_serializers, plan_views, serializers, verification_check
from domains.deletion import service
from domains.lifecycle import catch_all, register
from domains.models import DnsRecord, Domain, DomainDeletion
from domains.names import normalise_domain
from rest.confirmation import confirmation, outdated
from rest.errors import Conflict
from rest.lookup import ID, filter_by_id, find, flag
from rest.plan_token import PlanOutdated
from ses_integration.api import identities, shared_deadline

NOT_FOUND = "Domain not found"
NO_ENDPOINT = "Endpoint not found or does not belong to user"
OWN = "You have already added this domain to your account"
REGISTERED = {
    "error": (
        "This domain is already registered on our platform. If you believe this is an error or you need to transfer "
        "ownership, please contact our support team."
    ),
    "code": "DOMAIN_ALREADY_REGISTERED",
}


class OwnDomains(GenericAPIView[Domain]):
    """The caller's live domains, with what an answer shows of them."""

    def get_queryset(self) -> QuerySet[Domain]:
        # `email_addresses` is the reverse accessor of addresses.EmailAddress, which stands above this app.
        return (
            Domain.objects.live()
            .owned_by(self.request.user)
            .select_related("catch_all_endpoint")
            .annotate(
                total_addresses=Count("email_addresses"),
                active_addresses=Count("email_addresses", filter=Q(email_addresses__is_active=True)),
            )
            .order_by("-created_at", "id")
        )


class DomainList(OwnDomains):
    def get(self, request: Request) -> Response:
        page = cast("list[Domain]", self.paginate_queryset(_filter(self.get_queryset(), request)))
        checks: dict[str, Any] = {}
        if request.query_params.get("check") == "true":
            with shared_deadline():
                checks = verification_check.check_page(page)
        known = identities(domain.name for domain in page)
        shown = serializers.DomainListSerializer(page, many=True, context={"known": known}).data
        for row in shown:
            if row["domain"] in checks:
                row["verificationCheck"] = checks[row["domain"]]
        answer = self.get_paginated_response(shown)
        answer.data["meta"] = self._meta(request)
        return answer

    def post(self, request: Request) -> Response:
        body = serializers.DomainBody.read(request.data)
        try:
            name = normalise_domain(body["domain"])
        except ValueError as error:
            raise ValidationError("Invalid domain format") from error
        try:
            added = register.add_domain(owner=cast(User, request.user), name=name)
        except register.DomainTaken as error:
            raise Conflict(OWN if error.own else REGISTERED) from error
        known = identities([name]).get(name)
        return Response(serializers.created(added.domain, added.records, known, added.warning), status=201)

    def _meta(self, request: Request) -> dict[str, Any]:
        """Over the whole filter, not the page; one statement."""
        rows = _filter(Domain.objects.live().owned_by(self.request.user), request)
        counts = rows.aggregate(
            total=Count("pk"),
            catch_all=Count("pk", filter=Q(is_catch_all_enabled=True)),
            **{status.value: Count("pk", filter=Q(status=status)) for status in Domain.Status},
        )
        return {
            "totalCount": counts["total"],
            "verifiedCount": counts["verified"],
            "withCatchAllCount": counts["catch_all"],
            "statusBreakdown": {name: counts[name] for name in ("verified", "pending", "failed")},
        }


def _filter(domains: QuerySet[Domain], request: Request) -> QuerySet[Domain]:
    if (status := request.query_params.get("status")) in Domain.Status.values:
        domains = domains.filter(status=status)
    if (can_receive := flag(request, "canReceive")) is not None:
        domains = domains.filter(can_receive_emails=can_receive)
    return domains


class DomainDetail(OwnDomains):
    def get(self, request: Request, pk: str) -> Response:
        domain = find(self.get_queryset(), pk, NOT_FOUND)
        with shared_deadline():
            extra = verification_check.check_one(domain) if request.query_params.get("check") == "true" else {}
        known = identities([domain.name])
        return Response(serializers.DomainSerializer(domain, context={"known": known}).data | extra)

    def put(self, request: Request, pk: str) -> Response:
        domain = find(self.get_queryset(), pk, NOT_FOUND)
        body = serializers.CatchAllBody.read(request.data)
        enabled = body["isCatchAllEnabled"]
        endpoint_id = self._endpoint_id(domain, body.get("catchAllEndpointId")) if enabled else None
        try:
            change = catch_all.set_catch_all(domain=domain, enabled=enabled, endpoint_id=endpoint_id)
        except catch_all.EndpointGone as error:
            raise ValidationError(NO_ENDPOINT) from error
        except Domain.DoesNotExist as error:
            raise NotFound(NOT_FOUND) from error
        return Response(serializers.catch_all_changed(change))

    def _endpoint_id(self, domain: Domain, endpoint_id: str | None) -> str:
        if domain.status != Domain.Status.VERIFIED:
            raise ValidationError("Domain must be verified before configuring catch-all")
        if not endpoint_id:
            raise ValidationError("catchAllEndpointId is required when enabling catch-all")
        # `endpoints` is the reverse accessor of endpoints.Endpoint, which stands above this app.
        endpoints = cast(User, self.request.user).endpoints
        endpoint = endpoints.filter(pk=endpoint_id).first() if ID.fullmatch(endpoint_id) else None
        if endpoint is None:
            raise ValidationError(NO_ENDPOINT)
        if not endpoint.is_active:
            raise ValidationError("Selected endpoint is not active")
        return endpoint_id

    def delete(self, request: Request, pk: str) -> Response:
        """A deletion that still owes something goes on, and answers with what it has reached.

        See docs/architecture/deletion.md, "Delete again at once".
        """
        asked = confirmation(request)
        if asked.dry_run:
            return plan_views.dry_run(request, pk, asked)
        user = cast(User, request.user)
        domain = Domain.objects.live().owned_by(user).filter(pk=pk).first() if ID.fullmatch(pk) else None
        if domain is not None:
            try:
                record = service.delete_domain(
                    domain=domain, requested_by=user.get_username(), plan_token=str(asked.token or "")
                )
                return Response(deletion_serializers.deleted(record))
            except PlanOutdated as error:
                raise outdated() from error
            except Domain.DoesNotExist:
                pass  # somebody else was first: that deletion's record answers
        plan_views.refuse_used(request, pk, asked)
        running = (
            DomainDeletion.objects.pending().filter(owner_id=user.pk, domain_id=pk).first()
            if ID.fullmatch(pk)
            else None
        )
        if running is None:
            raise NotFound(NOT_FOUND)
        return Response(deletion_serializers.still_running(service.advance(running)))


class DomainDnsRecords(OwnDomains):
    def get(self, request: Request, pk: str) -> Response:
        domain = find(Domain.objects.live().owned_by(request.user), pk, NOT_FOUND)
        records = domain.dns_records.order_by("record_type", "name", "id")
        return Response(
            {
                "domainId": domain.pk,
                "domain": domain.name,
                "records": serializers.DnsRecordSerializer(records, many=True).data,
            }
        )


class OwnDnsRecords(GenericAPIView[DnsRecord]):
    serializer_class = serializers.DnsRecordSerializer

    def get_queryset(self) -> QuerySet[DnsRecord]:
        return DnsRecord.objects.filter(domain__in=Domain.objects.live().owned_by(self.request.user)).order_by(
            "-created_at", "record_type", "name", "id"
        )


class DnsRecordList(OwnDnsRecords):
    """Read only: the records follow the domain."""

    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(filter_by_id(self.get_queryset(), request, "domainId", "domain_id"))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class DnsRecordDetail(OwnDnsRecords):
    def get(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(find(self.get_queryset(), pk, "DNS record not found")).data)
