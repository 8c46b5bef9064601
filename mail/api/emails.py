"""`/mail`: received mail (docs/api/compatibility.md, "Received mail")."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from mail import marks
from mail.api import downloads, filters, serializers
from mail.api.attachments import AttachmentsSerializer, FileActions, with_files
from mail.api.counts.stats import MailStatsSerializer, stats_of
from mail.api.counts.totals import Inbox
from mail.api.deliveries import answers
from mail.api.deliveries.of_email import DeliveryActions
from mail.api.deliveries.serializers import DeliveriesSerializer, RetryBody
from mail.api.deliveries.status import stats_of_email
from mail.api.detail import EmailSerializer
from mail.api.threads import ThreadActions, ThreadCountsBody, ThreadSerializer
from mail.downloads.headers import BINARY, RAW
from mail.downloads.stored import raw_text
from mail.erasure.one import erase_email
from mail.models import ReceivedEmail, ReceivedEmailQuerySet
from mail.status.outcome import with_newest_delivery
from rest.access.roles import Deed, may
from rest.access.rows import role_of
from rest.deletion.confirmation import refuse_in_body
from rest.filters import flag
from rest.viewsets import OwnedViewSet
from ses_integration.api import SesError

BOTH = "Cannot filter by both emailAddress and emailId at the same time"


class EmailViewSet(
    FileActions, DeliveryActions, ThreadActions, ListModelMixin, RetrieveModelMixin, OwnedViewSet[ReceivedEmail]
):
    http_method_names = [*OwnedViewSet.http_method_names, "patch"]
    queryset = ReceivedEmail.objects.live().order_by("-arrived_at", "-id")
    not_found = "Email not found"
    serializer_class = EmailSerializer
    serializer_classes = {
        "list": serializers.ListedEmailSerializer,
        "partial_update": serializers.MarkBody,
        "bulk": serializers.BulkMarkBody,
        "attachments": AttachmentsSerializer,
        "deliveries": DeliveriesSerializer,
        "retry": RetryBody,
        "thread": ThreadSerializer,
        "thread_counts": ThreadCountsBody,
        "destroy": serializers.ErasedEmailSerializer,
        "stats": MailStatsSerializer,
    }
    page_serializer = serializers.EmailPageSerializer
    rows_name = "emails"
    clamps_limit = False
    filters = filters.FILTERS
    parameters = {
        "retrieve": {"peek": {"type": "boolean"}},
        "attachments": answers.PAGE,
        "deliveries": answers.PAGE,
        "thread": answers.PAGE,
        "raw": downloads.PARAMETERS,
        "attachment": downloads.PARAMETERS,
        "stats": {"days": {"type": "integer"}, "domainId": {"type": "string"}},
    }
    files = {"raw": RAW, "attachment": BINARY}
    errors = {**downloads.ERRORS, **answers.ERRORS}
    deeds = {"partial_update": Deed.MARK, "bulk": Deed.MARK, "retry": Deed.DELIVER, "destroy": Deed.ERASE_MAIL}

    def get_queryset(self) -> QuerySet[ReceivedEmail]:
        rows: Any = super().get_queryset()
        return with_files(rows) if self.action in ("raw", "attachments", "attachment") else rows

    def with_details(self, rows: ReceivedEmailQuerySet) -> ReceivedEmailQuerySet:
        rows = with_newest_delivery(rows.select_related("message"))
        return rows.only(*serializers.LISTED) if self.action == "list" else rows

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if self.query.get("emailAddress") and self.query.get("emailId"):
            raise ValidationError(BOTH)
        return super().list(request, *args, **kwargs)

    # Set by `count`, for `filters` of the answer. `older`: None if it is not known.
    inbox: Inbox
    older: int | None

    def count(self, rows: QuerySet[ReceivedEmail]) -> int:
        """From counts of the database. With a filter that they do not know, the rows are counted."""
        text = self.query.get
        days = filters.TIME_RANGE.days(text("timeRange"))
        self.inbox = Inbox.of(self.caller, None if days is None else timezone.now() - timedelta(days=days))
        if not filters.are_counted(self.query):
            self.older = None
            return super().count(rows)
        known: Any = self.get_queryset()
        for each in (filters.DOMAIN, filters.ARCHIVED):
            known = each.apply(known, text(each.parameter))
        total, self.older = self.inbox.totals(
            known,
            domain=filters.named_domain(text("domain") or ""),
            archived=bool(filters.ARCHIVED.value(text("includeArchived"))),
        )
        return total

    def get_paginated_response(self, data: Any) -> Response:
        pages: Any = self.paginator
        found = {"uniqueDomains": self.inbox.domains, "hiddenOlder": self.older}
        return Response({"emails": data, "pagination": pages.summary(), "filters": found})

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show an email, which marks it as read unless the client only peeks, or may not mark it."""
        email = self.get_object()
        peeks = flag("peek", request.query_params.get("peek"))
        if request.method == "GET" and not peeks and may(role_of(email), Deed.MARK):
            marks.mark_read(email)
        return Response(self.get_serializer(email).data)

    def serializer_facts(self, rows: Sequence[ReceivedEmail]) -> dict[str, Any]:
        if self.action == "list":
            return {}
        (email,) = rows
        try:
            raw = raw_text(email.message)
        except SesError:
            raw = None
        return {
            "raw": raw,
            "raw_url": self.reverse_action("raw", [email.pk]),
            "deliveries": stats_of_email(email),
        }

    def partial_update(self, request: Request, pk: str) -> Response:
        """Mark an email as read or archived."""
        email = self.get_object()
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        marked = self._mark([email.pk], **serializer.validated_data)
        if not marked:
            raise NotFound(self.not_found)
        return Response(serializers.MarkedEmailSerializer(marked[0]).data)

    def _mark(self, pks: Collection[str], **values: Any) -> Sequence[ReceivedEmail]:
        return marks.mark(self.caller, pks, check=partial(self.check_object_permissions, self.request), **values)

    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Mark up to 100 emails."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = cast(dict[str, Any], serializer.validated_data)
        marked = self._mark(values.pop("ids"), **values)
        return Response(serializers.BulkMarkedSerializer(marked).data)

    def destroy(self, request: Request, pk: str) -> Response:
        email = self.get_object()
        refuse_in_body(request)
        return Response(self.get_serializer(erase_email(email)).data)

    @action(detail=False)
    def stats(self, request: Request) -> Response:
        """Count received mail and deliveries, by day."""
        return Response(self.get_serializer(stats_of(self.caller, request.query_params)).data)
