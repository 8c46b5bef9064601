"""What the lists of deliveries, event notices, endpoints that fail and received mail can do. `mail.delivery.replay` does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import quote
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from backoffice.base import ModelAdmin
from backoffice.text import plural, shortened, visible
from mail.delivery import replay
from mail.models import Delivery, EndpointGate, EventNotice, ReceivedEmail
from mail.webhooks.settle import retry_notice, withdraw_notice
from workers.models import WorkerKind
from workers.wording import left_to

Row = TypeVar("Row", bound=Model)
REASONS_SHOWN = 5
# In one request.
MOST_AT_ONCE = 1000


class Acts(ModelAdmin[Row]):
    """Actions that need the permission to change the rows, which grants nothing else. The page of a row has them as buttons."""

    def page_actions(self, row: Row) -> list[str]:
        """The names of the actions that the page of this row offers."""
        return []

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        row = kwargs.get("obj")
        names = self.page_actions(row) if row is not None and self.has_act_permission(request) else []
        context["page_actions"] = [(name, getattr(self, name).short_description.partition(":")[0]) for name in names]
        return super().render_change_form(request, context, *args, **kwargs)

    def response_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse | None:
        """Back to the page whose button it was."""
        response = super().response_action(request, *args, **kwargs)
        if response is None or "from_page" not in request.POST:
            return response
        view = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(view, args=[quote(request.POST[ACTION_CHECKBOX_NAME])]))

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def named(self, row: Row) -> str:
        """What a refusal calls it."""
        return str(row.pk)

    def act(self, request: HttpRequest, rows: QuerySet[Row], do: Callable[[Any], object], note: str) -> int:
        """Do it with each row, and show why it was refused. Returns for how many it was not. `note`: for the history of a row."""
        done, refused = [], []
        if len(chosen := list(rows[: MOST_AT_ONCE + 1])) > MOST_AT_ONCE:
            messages.error(
                request, f"Choose at most {MOST_AT_ONCE:,}. For all of an endpoint there is the command mail_retry."
            )
            return 0
        for row in chosen:
            try:
                do(row)
            except replay.CannotDeliver as error:
                refused.append(f"{self.named(row)}: {error}.")
            else:
                done.append(row)
        if done:
            LogEntry.objects.log_actions(int(request.user.pk or 0), done, CHANGE, note)
        if refused:
            messages.warning(request, " ".join(["Refused:", *shortened(refused, REASONS_SHOWN)]))
        return len(done)


class ReplaysDeliveries(Acts[Delivery]):
    actions = ["retry_now", "deliver_again", "withdraw"]

    def page_actions(self, row: Delivery) -> list[str]:
        is_open = row.state in (Delivery.State.DUE, Delivery.State.DEAD)
        return ["retry_now", "withdraw"] if is_open else ["deliver_again"]

    @admin.action(description="Retry now", permissions=["act"])
    def retry_now(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        _asked(request, self.act(request, queryset, replay.retry, "Asked for it now."))

    @admin.action(description="Deliver again: also what was delivered", permissions=["act"])
    def deliver_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        _asked(request, self.act(request, queryset, lambda row: replay.retry(row, again=True), "Asked for it again."))

    @admin.action(description="Withdraw: make no more attempts", permissions=["act"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        if number := self.act(request, queryset, replay.withdraw, "Withdrew it."):
            messages.success(request, f"Withdrew {plural(number, 'delivery')}.")


class OpensGates(Acts[EndpointGate]):
    actions = ["try_now"]

    def page_actions(self, row: EndpointGate) -> list[str]:
        return ["try_now"]

    def named(self, row: EndpointGate) -> str:
        return visible(row.endpoint.name)

    @admin.action(description="Try one delivery now", permissions=["act"])
    def try_now(self, request: HttpRequest, queryset: QuerySet[EndpointGate]) -> None:
        number = self.act(request, queryset, lambda row: replay.try_one(row.endpoint), "Asked for an attempt now.")
        if not number:
            return
        messages.success(
            request,
            f"Asked for one delivery at {plural(number, 'endpoint')}. "
            + left_to(WorkerKind.MAIL, "A mail worker makes it now. If it succeeds, the others follow."),
        )


class SettlesNotices(Acts[EventNotice]):
    actions = ["retry_now", "withdraw"]

    def page_actions(self, row: EventNotice) -> list[str]:
        return [] if row.retry_at or row.delivered_at else ["retry_now"]

    @admin.action(description="Retry what was given up", permissions=["act"])
    def retry_now(self, request: HttpRequest, queryset: QuerySet[EventNotice]) -> None:
        if number := self.act(request, queryset, retry_notice, "Asked for it now."):
            said = left_to(WorkerKind.MAIL, f"A mail worker sends {'it' if number == 1 else 'them'} now.")
            messages.success(request, f"Asked for {plural(number, 'event')}. {said}")

    @admin.action(description="Withdraw what was given up", permissions=["act"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[EventNotice]) -> None:
        if number := self.act(request, queryset, withdraw_notice, "Withdrew it."):
            messages.success(request, f"Withdrew {plural(number, 'event')}.")


class ReleasesMail(Acts[ReceivedEmail]):
    """The action `release`, to be put into `actions`."""

    def page_actions(self, row: ReceivedEmail) -> list[str]:
        return ["release"] if row.disposition == ReceivedEmail.Disposition.QUARANTINED else []

    @admin.action(description="Release from quarantine", permissions=["act"])
    def release(self, request: HttpRequest, queryset: QuerySet[ReceivedEmail]) -> None:
        if number := self.act(request, queryset, replay.release, "Released it from quarantine."):
            messages.success(request, f"Released {plural(number, 'mail')}. The page of each says where it goes.")


def _asked(request: HttpRequest, number: int) -> None:
    if number:
        said = left_to(WorkerKind.MAIL, f"A mail worker makes {'it' if number == 1 else 'them'} now.")
        messages.success(request, f"Asked for {plural(number, 'delivery')}. {said}")
