"""The memory of SES, to look at. Nothing of it can be edited: whoever wants a change changes the rows, or pushes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, F, Max, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from ses_integration.admin_base import ReadOnlyAdmin, ReadOnlyInline
from ses_integration.admin_links import NOTHING, list_link, rows_of_domain
from ses_integration.admin_push import push_and_tell
from ses_integration.admin_state import html
from ses_integration.config import ses_config
from ses_integration.models import (
    Capacity,
    DomainMark,
    IdentityFacts,
    Lease,
    LedgerEntry,
    LedgerRecipient,
    RateLimit,
    UnansweredCall,
)
from ses_integration.planning import Known
from ses_integration.states import state

SCOPE = ["region", "rule_set"]
Key = tuple[str, str, str]


class Owed(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("owed", "Owed"), ("applied", "Applied")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DomainMark]) -> QuerySet[DomainMark]:
        match self.value():
            case "owed":
                return queryset.filter(generation__gt=F("applied_generation"))
            case "applied":
                return queryset.filter(generation=F("applied_generation"))
            case _:
                return queryset


@admin.register(DomainMark)
class DomainMarkAdmin(ReadOnlyAdmin[DomainMark]):
    list_display = ["domain", "ses", "rows", "applied", "attempts", "next_attempt"]
    list_filter = [Owed, "needs_attention", *SCOPE]
    search_fields = ["domain", "last_error"]
    date_hierarchy = "changed_at"
    ordering = ["-changed_at", "domain"]
    actions = ["push_to_ses"]
    fieldsets = [
        (None, {"fields": ["domain", "rows", "ledger", "region", "rule_set"]}),
        ("SES", {"fields": ["ses", "needs_attention", "last_error", "attempts", "next_attempt"]}),
        ("Counted changes", {"fields": ["generation", "applied_generation", "changed_at"]}),
    ]

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist = super().get_changelist_instance(request)
        page = list(changelist.result_list)
        doubts = _doubts([mark.domain for mark in page])
        for mark in page:
            mark.doubt_until = doubts.get(_key(mark))
        changelist.result_list = page
        return changelist

    @admin.display(description="SES")
    def ses(self, mark: DomainMark) -> SafeString:
        until = mark.doubt_until if hasattr(mark, "doubt_until") else _doubts([mark.domain]).get(_key(mark))
        return html(state(mark, until))

    @admin.display(description="changes applied")
    def applied(self, mark: DomainMark) -> str:
        return f"{mark.applied_generation} of {mark.generation}"

    @admin.display(description="rows")
    def rows(self, mark: DomainMark) -> SafeString:
        return rows_of_domain(mark.domain)

    @admin.display(description="ledger")
    def ledger(self, mark: DomainMark) -> SafeString:
        return list_link("ses_integration.ledgerentry", "Rules and identity", domain=mark.domain)

    def has_push_permission(self, request: HttpRequest) -> bool:
        # Not has_change_permission, which says for everybody that the row cannot be edited.
        return request.user.has_perm("ses_integration.change_domainmark")

    @admin.action(description="Push to SES now", permissions=["push"])
    def push_to_ses(self, request: HttpRequest, queryset: QuerySet[DomainMark]) -> None:
        config = ses_config()
        here = [mark.domain for mark in queryset if (mark.region, mark.rule_set) == (config.region, config.rule_set)]
        if elsewhere := len(queryset) - len(here):
            messages.error(
                request, f"{elsewhere} of another region or rule set: only the configured one is written to."
            )
        if here:
            push_and_tell(request, here)


def _key(mark: DomainMark) -> Key:
    return mark.region, mark.rule_set, mark.domain


def _doubts(domains: list[str]) -> dict[Key, datetime]:
    """In every region and rule set, unlike `states.states`: until when a call may still be applied."""
    calls = UnansweredCall.objects.filter(entry__domain__in=domains).order_by()
    rows = calls.values_list("entry__region", "entry__rule_set", "entry__domain").annotate(until=Max("until"))
    return {(region, rule_set, domain): until for region, rule_set, domain, until in rows}


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin[Lease]):
    list_display = ["rule_set", "region", "holder", "expires_at", "fence", "wanted_until", "outage_since"]
    list_filter = [*SCOPE]
    search_fields = ["holder", *SCOPE]


@admin.register(RateLimit)
class RateLimitAdmin(ReadOnlyAdmin[RateLimit]):
    list_display = ["region", "next_slot"]
    search_fields = ["region"]


@admin.register(Capacity)
class CapacityAdmin(ReadOnlyAdmin[Capacity]):
    """What was learned can be taken back: AWS may allow more one day, and tells nobody."""

    list_display = [
        "rule_set",
        "region",
        "account",
        "recipients_per_rule",
        "foreign_rules",
        "foreign_identities",
        "swept_at",
    ]
    list_filter = [*SCOPE]
    search_fields = [*SCOPE]
    readonly_fields = ["rule_set", "region", "account", "foreign_rules", "foreign_identities", "swept_at"]

    def has_change_permission(self, request: HttpRequest, obj: Capacity | None = None) -> bool:
        return request.user.has_perm("ses_integration.change_capacity")


class RecipientInline(ReadOnlyInline[LedgerRecipient, LedgerEntry]):
    model = LedgerRecipient
    fields = ["recipient"]
    verbose_name_plural = "recipients"
    ordering = ["recipient"]


class IdentityInline(ReadOnlyInline[IdentityFacts, LedgerEntry]):
    model = IdentityFacts
    fields = ["ours", "status", "dkim_status", "mail_from_domain", "mail_from_status", "checked_at", "tokens"]
    readonly_fields = ["tokens"]
    verbose_name_plural = "identity"

    @admin.display(description="tokens")
    def tokens(self, identity: IdentityFacts) -> SafeString:
        known = filter(None, [identity.verification_token, *identity.dkim_tokens])
        return format_html_join(SafeString("<br>"), "{}", ((token,) for token in known)) or NOTHING


class UnansweredInline(ReadOnlyInline[UnansweredCall, LedgerEntry]):
    model = UnansweredCall
    fields = ["operation", "concerns", "until", "fence"]
    readonly_fields = ["concerns"]
    ordering = ["until"]
    verbose_name_plural = "calls without an answer"

    @admin.display(description="recipients")
    def concerns(self, call: UnansweredCall) -> str:
        return ", ".join(call.recipients) or "-"


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin[LedgerEntry]):
    list_display = ["name", "kind", "held", "recipient_count", "doubts", "domain_link"]
    list_filter = ["kind", "known", *SCOPE]
    search_fields = ["name", "domain", "recipients__recipient"]
    date_hierarchy = "changed_at"
    ordering = ["domain", "kind", "name"]
    fieldsets = [
        (None, {"fields": ["name", "kind", "domain", "rows", "mark", "region", "rule_set"]}),
        ("In SES", {"fields": ["held", "digest", "changed_at"]}),
    ]
    inlines = [RecipientInline, IdentityInline, UnansweredInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerEntry]:
        counts = {
            "recipient_count": Count("recipients", distinct=True),
            "doubt_count": Count("unanswered", distinct=True),
        }
        return super().get_queryset(request).annotate(**counts)

    def get_inlines(self, request: HttpRequest, obj: LedgerEntry | None) -> list[Any]:
        """Those that have something to show."""
        if obj is None:
            return []
        shown: dict[Any, bool] = {
            RecipientInline: obj.recipients.exists(),
            IdentityInline: hasattr(obj, "identity"),
            UnansweredInline: obj.unanswered.exists(),
        }
        return [inline for inline, there in shown.items() if there]

    @admin.display(description="in SES", ordering="known")
    def held(self, entry: LedgerEntry) -> str:
        if entry.known == Known.UNKNOWN:
            return "there, contents unknown" if entry.exists else "unknown"
        return entry.known

    @admin.display(description="recipients", ordering="recipient_count")
    def recipient_count(self, entry: Any) -> int:
        return int(entry.recipient_count)

    @admin.display(description="without answer", ordering="doubt_count")
    def doubts(self, entry: Any) -> int:
        return int(entry.doubt_count)

    @admin.display(description="domain", ordering="domain")
    def domain_link(self, entry: LedgerEntry) -> SafeString:
        return list_link("domains.domain", entry.domain, name=entry.domain)

    @admin.display(description="rows")
    def rows(self, entry: LedgerEntry) -> SafeString:
        return rows_of_domain(entry.domain)

    @admin.display(description="mark")
    def mark(self, entry: LedgerEntry) -> SafeString:
        return list_link("ses_integration.domainmark", entry.domain, domain=entry.domain)
