"""API keys in the admin: issue, rename and revoke. A key itself is shown once, on the page after it was issued."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from backoffice.links import related_link
from backoffice.lists import ChoiceListFilter
from backoffice.service_forms import Secret, ServiceAdmin, ServiceForm, ShowsOnce
from backoffice.text import plural
from inbound.models import ApiKey, Scope, issue_key, rename_key, revoke_key

# What the page of a new key says.
USE = "Send it as the header Authorization: Bearer <the key>. Only its hash is stored, so nobody can look it up later."


class ApiKeyForm(ServiceForm[ApiKey]):
    class Meta:
        model = ApiKey
        fields = ["name", "owner", "can_read", "can_write", "can_delete", "expires_at"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The label belongs to both fields together.
        for part, widget in zip(("date", "time"), self.fields["expires_at"].widget.widgets, strict=True):
            widget.attrs["aria-label"] = f"Expires at, {part}"

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise forms.ValidationError("This is in the past.")
        return expires_at

    def clean(self) -> dict[str, Any] | None:
        values = super().clean() or self.cleaned_data
        if not any(values.get(f"can_{scope.value}") for scope in Scope):
            raise forms.ValidationError("Choose at least one permission.")
        return values


class RenameKeyForm(ServiceForm[ApiKey]):
    class Meta:
        model = ApiKey
        fields = ["name"]


class StateFilter(ChoiceListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("usable", "Usable"), ("revoked", "Revoked"), ("expired", "Expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        match self.value():
            case "usable":
                return queryset.filter(pk__in=ApiKey.objects.usable())
            case "revoked":
                return queryset.exclude(revoked_at=None)
            case "expired":
                return queryset.filter(expires_at__lte=timezone.now())
            case _:
                return queryset


@admin.register(ApiKey)
class ApiKeyAdmin(ShowsOnce[ApiKey], ServiceAdmin[ApiKey]):
    """API keys in the admin. They can be revoked but not deleted, because the row records who had the key."""

    when_empty = "Nobody can use the API yet. Add a key; it is shown once."
    owner_link = related_link("owner__username")
    list_display = ["name", "start", "owner_link", "scopes", "state", "last_used_at", "expires_at", "created_at"]
    list_filter = [StateFilter, "can_write", "can_delete"]
    list_select_related = ["owner"]
    search_fields = ["name", "start", "owner__username"]
    date_hierarchy = "created_at"
    ordering = ["-created_at", "name"]
    actions = ["revoke"]
    add_form = ApiKeyForm
    hidden_columns = ("key_hash",)
    form = RenameKeyForm
    autocomplete_fields = ["owner"]
    readonly_fields = [
        "start",
        "owner_link",
        "scopes",
        "state",
        "expires_at",
        "created_at",
        "last_used_at",
        "revoked_at",
    ]

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def add_row(self, request: HttpRequest, form: Any) -> ApiKey:
        values = form.cleaned_data
        scopes = [scope for scope in Scope if values[f"can_{scope.value}"]]
        row, key = issue_key(owner=values["owner"], name=values["name"], scopes=scopes, expires_at=values["expires_at"])
        self.show_once(request, Secret("The new key", key, USE))
        return row

    def change_row(self, request: HttpRequest, row: ApiKey, form: Any) -> ApiKey:
        if form.changed_data:
            rename_key(row, form.cleaned_data["name"])
        return row

    @admin.action(description="Revoke selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        revoked = [key for key in queryset.filter(revoked_at=None) if revoke_key(key)]
        LogEntry.objects.log_actions(cast(int, request.user.pk), revoked, CHANGE, "Revoked.")
        messages.success(request, f"Revoked {plural(len(revoked), 'key')}.")

    @admin.display(description="permissions")
    def scopes(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        return key.state
