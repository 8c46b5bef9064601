"""Blocked emails in the admin: block and unblock."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from addresses import blocking
from addresses.admin.forms import BlockForm
from addresses.models import BlockedEmail
from backoffice.links import related_link
from backoffice.service_forms import ServiceAdmin
from domains.models import Domain


@admin.register(BlockedEmail)
class BlockedEmailAdmin(ServiceAdmin[BlockedEmail]):
    """Blocking and unblocking change no rule: SES receives the mail all the same."""

    when_empty = "Nothing is blocked. Block an address to drop its mail without deleting it."
    add_form = BlockForm
    gone = (Domain.DoesNotExist,)

    domain_link = related_link("domain__name")
    blocked_by_link = related_link("blocked_by__username")
    list_display = ["email_address", "domain_link", "reason", "blocked_by_link", "created_at"]
    list_filter = ["created_at"]
    list_select_related = ["domain", "blocked_by"]
    search_fields = ["email_address", "reason", "id"]
    date_hierarchy = "created_at"
    ordering = ["-created_at", "email_address"]
    readonly_fields = ["email_address", "reason", "id", "domain_link", "blocked_by_link", "created_at"]
    fields = [*readonly_fields]

    def has_change_permission(self, request: HttpRequest, obj: BlockedEmail | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: BlockedEmail) -> None:
        blocking.unblock(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[BlockedEmail]) -> None:
        blocking.unblock(*queryset.select_related("domain"))

    def add_row(self, request: HttpRequest, form: Any) -> BlockedEmail:
        try:
            return blocking.block_address(
                domain=form.domain,
                address=form.cleaned_data["email_address"],
                reason=form.cleaned_data["reason"],
                blocked_by=cast(User, request.user),
            )
        except blocking.AlreadyBlocked as error:
            raise ValidationError({"email_address": "This address is already blocked."}) from error
        except blocking.CannotBlock as error:
            raise ValidationError({"email_address": str(error)}) from error
