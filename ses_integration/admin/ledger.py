"""Read-only admin pages of the ledger and the reconciler's state. To change SES, change the rows, or push a domain."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from audit.record import members, record_change
from backoffice.base import ReadOnlyAdmin, ReadOnlyInline
from backoffice.links import NOTHING, list_link, rows_of_domain
from backoffice.lists import ChoiceListFilter, related_count
from ses_integration.admin.actions import push
from ses_integration.admin.columns import html
from ses_integration.conf import ses_config
from ses_integration.models import (
    DomainSync,
    InFlightCall,
    Lease,
    LedgerEntry,
    LedgerIdentity,
    LedgerRecipient,
    RateLimit,
    RuleSetState,
)
from ses_integration.plan.resources import Presence
from ses_integration.status.sync_state import SyncState, with_calls_in_flight

SCOPE = ["region", "rule_set"]


class AppliedFilter(ChoiceListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("pending", "Pending"), ("applied", "Applied")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DomainSync]) -> QuerySet[DomainSync]:
        match self.value():
            case "pending":
                return queryset.filter(generation__gt=F("observed_generation"))
            case "applied":
                return queryset.filter(generation=F("observed_generation"))
            case _:
                return queryset


@admin.register(DomainSync)
class DomainSyncAdmin(ReadOnlyAdmin[DomainSync]):
    list_title = "Marks"
    when_empty = "No domain has been changed yet."
    list_display = ["domain", "ses", "rows", "applied", "attempts", "retry_at"]
    list_filter = [AppliedFilter, "stalled", *SCOPE]
    search_fields = ["domain", "last_error"]
    date_hierarchy = "changed_at"
    ordering = ["domain"]
    actions = ["push_to_ses"]
    fieldsets = [
        (None, {"fields": ["domain", "rows", "ledger", "region", "rule_set"]}),
        ("SES", {"fields": ["ses", "stalled", "last_error", "attempts", "retry_at"]}),
        ("Counted changes", {"fields": ["generation", "observed_generation", "changed_at"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DomainSync]:
        return with_calls_in_flight(super().get_queryset(request))

    @admin.display(description="SES")
    def ses(self, sync: DomainSync) -> SafeString:
        return html(SyncState.of(sync))

    @admin.display(description="changes applied")
    def applied(self, sync: DomainSync) -> str:
        return f"{sync.observed_generation} of {sync.generation}"

    @admin.display(description="rows")
    def rows(self, sync: DomainSync) -> SafeString:
        return rows_of_domain(sync.domain)

    @admin.display(description="ledger")
    def ledger(self, sync: DomainSync) -> SafeString:
        return list_link("ses_integration.ledgerentry", "Rules and identity", domain=sync.domain)

    def has_push_permission(self, request: HttpRequest) -> bool:
        # has_change_permission would not do: it is always False, because the rows cannot be edited.
        return request.user.has_perm("ses_integration.change_domainsync")

    @admin.action(description="Push to SES now", permissions=["push"])
    def push_to_ses(self, request: HttpRequest, queryset: QuerySet[DomainSync]) -> None:
        config = ses_config()
        here = [sync.domain for sync in queryset if (sync.region, sync.rule_set) == (config.region, config.rule_set)]
        if elsewhere := len(queryset) - len(here):
            messages.error(
                request, f"{elsewhere} of another region or rule set: only the configured one is written to."
            )
        if here:
            push(request, here)


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin[Lease]):
    when_empty = "No process has written to SES yet."
    list_display = ["rule_set", "region", "holder", "expires_at", "fence", "requested_until", "outage_since"]
    list_filter = [*SCOPE]
    search_fields = ["holder", *SCOPE]


@admin.register(RateLimit)
class RateLimitAdmin(ReadOnlyAdmin[RateLimit]):
    when_empty = "No call has been made yet."
    list_display = ["region", "next_slot"]
    search_fields = ["region"]


@admin.register(RuleSetState)
class RuleSetStateAdmin(ReadOnlyAdmin[RuleSetState]):
    """Page of rule set states. Learned limits can be reset, because AWS does not say when it allows more."""

    when_empty = "SES has not been asked yet. Run ses_setup, and start ses_worker."
    list_display = [
        "rule_set",
        "region",
        "account",
        "recipients_per_rule",
        "rules_per_set",
        "foreign_rules",
        "foreign_identities",
        "swept_at",
    ]
    list_filter = [*SCOPE]
    search_fields = [*SCOPE]
    readonly_fields = ["rule_set", "region", "account", "foreign_rules", "foreign_identities", "swept_at"]

    def has_change_permission(self, request: HttpRequest, obj: RuleSetState | None = None) -> bool:
        return request.user.has_perm("ses_integration.change_rulesetstate")

    def save_model(self, request: HttpRequest, obj: RuleSetState, form: Any, change: bool) -> None:
        before = members(RuleSetState.objects.get(pk=obj.pk), *form.changed_data)
        super().save_model(request, obj, form, change)
        record_change(obj, None, before, members(obj, *form.changed_data))


class RecipientInline(ReadOnlyInline[LedgerRecipient, LedgerEntry]):
    model = LedgerRecipient
    fields = ["recipient"]
    verbose_name_plural = "recipients"
    ordering = ["recipient"]


class IdentityInline(ReadOnlyInline[LedgerIdentity, LedgerEntry]):
    model = LedgerIdentity
    fields = ["ours", "status", "dkim_status", "mail_from_domain", "mail_from_status", "checked_at", "tokens"]
    readonly_fields = ["tokens"]
    verbose_name_plural = "identity"

    @admin.display(description="tokens")
    def tokens(self, identity: LedgerIdentity) -> SafeString:
        known = filter(None, [identity.verification_token, *identity.dkim_tokens])
        return format_html_join(SafeString("<br>"), "{}", ((token,) for token in known)) or NOTHING


class InFlightInline(ReadOnlyInline[InFlightCall, LedgerEntry]):
    model = InFlightCall
    fields = ["operation", "concerns", "until", "fence"]
    readonly_fields = ["concerns"]
    ordering = ["until"]
    verbose_name_plural = "unanswered calls"

    @admin.display(description="recipients")
    def concerns(self, call: InFlightCall) -> str:
        return ", ".join(call.recipients) or "-"


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin[LedgerEntry]):
    when_empty = "SES has not been asked for any rule or identity yet. Add a domain."
    list_display = ["name", "kind", "held", "recipient_count", "unknown_outcomes", "domain_link"]
    list_filter = ["kind", "presence", *SCOPE]
    search_fields = ["name", "domain", "recipients__recipient"]
    ordering = ["domain", "kind", "name"]
    fieldsets = [
        (None, {"fields": ["name", "kind", "domain", "rows", "sync", "region", "rule_set"]}),
        ("In SES", {"fields": ["held", "digest", "changed_at"]}),
    ]
    inlines = [RecipientInline, IdentityInline, InFlightInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerEntry]:
        counts = {
            "recipient_count": related_count(LedgerRecipient.objects.all(), "entry"),
            "unknown_count": related_count(InFlightCall.objects.all(), "entry"),
        }
        return super().get_queryset(request).annotate(**counts)

    def get_inlines(self, request: HttpRequest, obj: LedgerEntry | None) -> list[Any]:
        """Inlines that have something to show."""
        if obj is None:
            return []
        shown: dict[Any, bool] = {
            RecipientInline: obj.recipients.exists(),
            IdentityInline: hasattr(obj, "identity"),
            InFlightInline: obj.in_flight.exists(),
        }
        return [inline for inline, there in shown.items() if there]

    @admin.display(description="in SES", ordering="presence")
    def held(self, entry: LedgerEntry) -> str:
        if entry.presence == Presence.UNKNOWN:
            return "there, contents unknown" if entry.exists else "unknown"
        return entry.presence

    @admin.display(description="recipients", ordering="recipient_count")
    def recipient_count(self, entry: Any) -> int:
        return int(entry.recipient_count)

    @admin.display(description="unanswered calls", ordering="unknown_count")
    def unknown_outcomes(self, entry: Any) -> int:
        return int(entry.unknown_count)

    @admin.display(description="domain", ordering="domain")
    def domain_link(self, entry: LedgerEntry) -> SafeString:
        return list_link("domains.domain", entry.domain, name=entry.domain)

    @admin.display(description="rows")
    def rows(self, entry: LedgerEntry) -> SafeString:
        return rows_of_domain(entry.domain)

    @admin.display(description="sync state")
    def sync(self, entry: LedgerEntry) -> SafeString:
        return list_link("ses_integration.domainsync", entry.domain, domain=entry.domain)
