"""Endpoints in the admin: add, change and delete. No page shows a secret of a config."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from addresses.models import EmailAddress
from backoffice.deletion import Deleted, DeletesThroughService
from backoffice.links import joined, list_link, page_link, related_link
from backoffice.service_forms import Secret, ServiceAdmin, ShowsOnce, warn
from backoffice.text import listed, plural
from domains.models import Domain
from endpoints import services
from endpoints.admin.forms import FORMS, TITLES, EndpointForm
from endpoints.config_schema import ConfigError
from endpoints.models import Endpoint
from ses_integration.api import QuotaExceeded, shared_deadline

OF_EVERY_TYPE = ("name", "description", "is_active")
USE = "The receiver verifies with it that requests come from inbound. The owner can read it over the API as signingSecret."


@admin.register(Endpoint)
class EndpointAdmin(DeletesThroughService[Endpoint], ShowsOnce[Endpoint], ServiceAdmin[Endpoint]):
    when_empty = "No endpoint yet. Add a webhook or a mailbox to deliver mail to."
    # The type decides which: see `get_form`.
    add_form = form = EndpointForm
    refusals = (QuotaExceeded,)
    gone = (Endpoint.DoesNotExist,)
    hidden_columns = ("config", "sealed_secret", "sealed_previous_secret")
    shared_deadline = staticmethod(shared_deadline)

    owner_link = related_link("owner__username")
    list_display = ["name", "state", "type", "owner_link", "addresses", "domains", "created_at"]
    list_filter = ["type", "is_active"]
    # `gate`: a reverse accessor that the app above defines.
    list_select_related = ["owner", "gate"]
    search_fields = ["name", "id", "owner__username"]
    ordering = ["-created_at", "name"]
    autocomplete_fields = ["owner"]
    readonly_fields = [
        "id", "type", "owner_link", "shown_config", "webhook_format", "addresses", "domains", "related", "inactive_reason", "state",
        "created_at", "updated_at",
    ]  # fmt: skip

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist = super().get_changelist_instance(request)
        _count_uses(changelist.result_list)
        return changelist

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Endpoint | None:
        endpoint: Endpoint | None = super().get_object(request, object_id, from_field)
        _count_uses([endpoint] if endpoint else [])
        return endpoint

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if _chosen_type(request) in FORMS:
            title = f"Add {TITLES[_chosen_type(request)][0].lower()}"
            return super().add_view(request, form_url, {"title": title, **(extra_context or {})})
        if not self.has_add_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Add endpoint",
            "opts": self.opts,
            "types": [(_with_type(request, name), *TITLES[name]) for name in FORMS],
        }
        return TemplateResponse(request, "admin/endpoints/choose_type.html", context)

    def get_form(self, request: HttpRequest, obj: Endpoint | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **{"form": _form_for(request, obj), **kwargs})

    def get_fieldsets(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        config_fields = _form_for(request, obj).config_fields
        if obj is None:
            return [
                (None, {"fields": ["owner", "name", "description"]}),
                ("Where it delivers", {"fields": config_fields}),
            ]
        shown = config_fields if self.has_change_permission(request, obj) else ["shown_config"]
        return [
            (None, {"fields": ["name", "description", "is_active", "inactive_reason", "state"]}),
            ("Where it delivers", {"fields": ["type", *shown, "webhook_format"]}),
            ("Used by", {"fields": ["owner_link", "addresses", "domains", "related"]}),
            ("Identity and times", {"classes": ["collapse"], "fields": ["id", "created_at", "updated_at"]}),
        ]

    def add_row(self, request: HttpRequest, form: Any) -> Endpoint:
        values, config = form.cleaned_data, form.config()
        with _at_its_field(form):
            endpoint = services.create_endpoint(
                owner=values["owner"],
                name=values["name"],
                endpoint_type=form.endpoint_type,
                config=config,
                description=values["description"],
            )
        warn(request, endpoint.warning)
        if endpoint.signing_secret and not config.get("secret"):
            self.show_once(request, Secret("The webhook's signing secret", endpoint.signing_secret, USE))
        return endpoint

    def change_row(self, request: HttpRequest, row: Endpoint, form: Any) -> Endpoint:
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name in OF_EVERY_TYPE}
        if form.config_changed:
            changes["config"] = form.config()
        with _at_its_field(form):
            endpoint = services.update_endpoint(endpoint=row, **changes)
        warn(request, endpoint.warning)
        return endpoint

    def consequences(self, rows: Sequence[Endpoint]) -> dict[Any, list[str]]:
        chosen = Endpoint.objects.filter(pk__in=[row.pk for row in rows]).order_by()
        lines: dict[Any, list[str]] = {row.pk: [] for row in rows}
        for pairs, line in (
            (
                chosen.values_list("pk", "email_addresses__address"),
                "Addresses that keep receiving, but are delivered nowhere: {}",
            ),
            (
                chosen.values_list("pk", "catch_all_domains__name"),
                "Domains whose catch-all is turned off, in SES too: {}",
            ),
        ):
            names: dict[Any, list[str]] = {row.pk: [] for row in rows}
            for pk, name in pairs:
                if name:
                    names[pk].append(name)
            for pk, found in names.items():
                lines[pk].append(line.format(_listed(found)))
        return lines

    def delete_row(self, request: HttpRequest, row: Endpoint, plan_token: str) -> Deleted:
        deleted = services.delete_endpoint(endpoint=row)
        without_route, off = _listed(deleted.email_addresses), _listed(deleted.domains)
        return Deleted(f"Addresses without a route now: {without_route}. Catch-alls off now: {off}.", deleted.warning)

    @admin.display(description="state")
    def state(self, endpoint: Endpoint) -> SafeString | str:
        return (
            page_link("mail.endpointgate", endpoint.pk, endpoint.health)
            if hasattr(endpoint, "gate")
            else endpoint.health
        )

    @admin.display(description="addresses")
    def addresses(self, endpoint: Any) -> SafeString:
        return list_link("addresses.emailaddress", endpoint.address_count, endpoint__id__exact=endpoint.pk)

    @admin.display(description="catch-all of")
    def domains(self, endpoint: Any) -> SafeString | str:
        if endpoint.domain_count == 0:
            return "0"
        text = plural(endpoint.domain_count, "domain")
        return list_link("domains.domain", text, catch_all_endpoint__id__exact=endpoint.pk)

    @admin.display(description="see also")
    def related(self, endpoint: Any) -> SafeString:
        # Of the app `mail`.
        return joined(
            [
                list_link("mail.delivery", "Deliveries", endpoint__id__exact=endpoint.pk),
                list_link("mail.delivery", "Due", endpoint__id__exact=endpoint.pk, state__exact="due"),
                list_link("mail.delivery", "Given up", endpoint__id__exact=endpoint.pk, state__exact="dead"),
            ]
        )

    @admin.display(description="config, without secrets")
    def shown_config(self, endpoint: Endpoint) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(endpoint.public_config, indent=2, ensure_ascii=False))


def _listed(names: list[str]) -> str:
    return listed(sorted(names)) or "none"


def _count_uses(endpoints: Iterable[Any]) -> None:
    """How many addresses and domains use each, in two statements. To count for all endpoints would take a second for one page."""
    by_pk = {endpoint.pk: endpoint for endpoint in endpoints}
    for name, rows, field in (
        ("address_count", EmailAddress.objects.all(), "endpoint"),
        ("domain_count", Domain.objects.all(), "catch_all_endpoint"),
    ):
        used = rows.filter(**{f"{field}__in": list(by_pk)}).order_by()
        counts: dict[Any, int] = dict(used.values_list(field).annotate(Count("pk")))
        for pk, endpoint in by_pk.items():
            setattr(endpoint, name, counts.get(pk, 0))


def _chosen_type(request: HttpRequest) -> str:
    return request.GET.get("type", "")


def _with_type(request: HttpRequest, name: str) -> str:
    """The query of this page, for adding an endpoint of this type."""
    query = request.GET.copy()
    query["type"] = name
    return query.urlencode()


def _form_for(request: HttpRequest, endpoint: Endpoint | None) -> type[EndpointForm]:
    return FORMS.get(endpoint.type if endpoint else _chosen_type(request), EndpointForm)


@contextmanager
def _at_its_field(form: EndpointForm) -> Iterator[None]:
    """Show what the service refuses at the field that it is about."""
    try:
        yield
    except ConfigError as error:
        raise ValidationError({error.key: str(error)} if error.key in form.fields else str(error)) from error
