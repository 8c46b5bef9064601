"""Filters of the lists of received mail and deliveries, and the lists themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from backoffice import lists
from backoffice.lists import CheckedChangeList, ChoiceListFilter
from domains.models import Domain
from endpoints.models import Endpoint
from mail.models import Message, ReceivedEmail
from mail.status.outcome import OUTCOMES, with_outcome

VERDICTS = ("virus", "spam", "spf", "dkim", "dmarc")
# What is large and not in the list.
BODIES = ("text", "html", "headers", "addresses", "attachments", "references", "preview", "in_reply_to", "rfc_id")
# More would fill the page. The others are found by search, or by a click on one of their mails.
DOMAINS_OFFERED = ENDPOINTS_OFFERED = 30
SEARCH_NOTE = lists.SEARCH_NOTE.format("domain or time")


class WithoutBodies(CheckedChangeList):
    """A list that does not load the contents of mail."""

    message = "message"

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        return self._deferred(super().get_queryset(request, *args, **kwargs))

    def get_results(self, request: HttpRequest) -> None:
        """Find the keys of the page first: otherwise all rows would be read with their mail, to sort them."""
        super().get_results(request)
        page: Any = self.result_list
        keys = list(page.values_list("pk", flat=True))
        rows = self.root_queryset.filter(pk__in=keys).order_by(*page.query.order_by)
        self.result_list = self._deferred(rows)

    def _deferred(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.defer(*(f"{self.message}__{name}" for name in BODIES))


class DeliveriesWithoutBodies(WithoutBodies):
    message = "received__message"


class DomainFilter(admin.RelatedFieldListFilter):
    """Django's, for domains that receive mail."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        names = Domain.objects.live().order_by("name").values_list("pk", "name")
        return list(names[:DOMAINS_OFFERED])


class EndpointFilter(admin.RelatedFieldListFilter):
    """Django's, for a few endpoints. The others are found by search, or from their page."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        return list(Endpoint.objects.order_by("name", "pk").values_list("pk", "name")[:ENDPOINTS_OFFERED])


class OutcomeFilter(ChoiceListFilter):
    title = "status"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word.capitalize()) for word in OUTCOMES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReceivedEmail]) -> QuerySet[ReceivedEmail]:
        word = self.value()
        return queryset if word is None else with_outcome(queryset, word)


class WhenFilter(admin.DateFieldListFilter):
    """Django's, with a title such as "created"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = str(self.title).removesuffix(" at")


class StateFilter(ChoiceListFilter):
    title = "reading"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        shown = (Message.State.ARRIVED, Message.State.INGESTED, Message.State.MISSING)
        return [(state.value, state.label) for state in shown]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReceivedEmail]) -> QuerySet[ReceivedEmail]:
        return queryset if self.value() is None else queryset.filter(message__state=self.value())


class ParsedFilter(ChoiceListFilter):
    title = "parsed"
    parameter_name = "parsed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("whole", "Completely"), ("cut", "In parts: something was cut"), ("failed", "Not: it failed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReceivedEmail]) -> QuerySet[ReceivedEmail]:
        match self.value():
            case "whole":
                return queryset.filter(
                    message__state=Message.State.INGESTED, message__parse_error="", message__truncated=[]
                )
            case "cut":
                return queryset.exclude(message__truncated=[])
            case "failed":
                return queryset.exclude(message__parse_error="")
            case _:
                return queryset


class VerdictFilter(ChoiceListFilter):
    title = "SES's verdicts"
    parameter_name = "verdict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        failed = [(name, f"{label(name)} failed") for name in VERDICTS]
        return [*failed, ("none", "None failed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReceivedEmail]) -> QuerySet[ReceivedEmail]:
        match self.value():
            case None:
                return queryset
            case "none":
                return queryset.exclude(_any_failed())
            case name:
                return queryset.filter(**{f"message__{name}": "FAIL"})


def label(verdict: str) -> str:
    """`SPF`, `Virus`."""
    field: Any = Message._meta.get_field(verdict)
    name = str(field.verbose_name)
    return name[0].upper() + name[1:]


def _any_failed() -> Q:
    failed = Q()
    for name in VERDICTS:
        failed |= Q(**{f"message__{name}": "FAIL"})
    return failed
