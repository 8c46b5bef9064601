"""Wrong passwords in the admin, and an action that unlocks."""

from __future__ import annotations

from axes.models import AccessAttempt
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from backoffice.base import ReadOnlyAdmin
from backoffice.text import listed, moment, visible
from inbound.people import sign_in


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin[AccessAttempt]):
    list_title = "Wrong passwords"
    list_display = ["name", "ip_address", "failures_since_start", "last", "state"]
    search_fields = ["username", "ip_address"]
    ordering = ["-attempt_time"]
    actions = ["unlock"]
    readonly_fields = ["name", "ip_address", "failures_since_start", "last", "state", "user_agent"]
    fields = [*readonly_fields]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessAttempt]:
        """Without what is too old to count, which the next wrong password deletes."""
        return sign_in.counted()

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("axes.delete_accessattempt")

    @admin.action(description="Unlock", permissions=["unlock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> None:
        names = [f"{visible(name)} from {address}" for name, address in sign_in.unlock(queryset)]
        messages.success(request, f"Unlocked: {listed(names)}." if names else "Nothing was locked.")

    @admin.display(description="user name", ordering="username")
    def name(self, attempt: AccessAttempt) -> str:
        return visible(attempt.username or "") or "none"

    @admin.display(description="last wrong password", ordering="attempt_time")
    def last(self, attempt: AccessAttempt) -> str:
        return moment(attempt.attempt_time)

    @admin.display(description="signing in")
    def state(self, attempt: AccessAttempt) -> str:
        # Rows of other browsers count as well, but they are rare: the list must not need a statement for each row.
        until = sign_in.lock_end(attempt.failures_since_start, attempt.attempt_time)
        return f"locked until {moment(until)}" if until else "possible"
