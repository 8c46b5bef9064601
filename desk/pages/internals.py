"""Under the hood: the tables that only somebody needs who looks for the cause of a fault."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse

from backoffice.menu import Entry, links

TABLES = [
    Entry("Marks", "ses_integration.domainsync", about="What each domain still needs from SES, and how often it was tried."),
    Entry("Ledger", "ses_integration.ledgerentry", about="Each rule and identity that inbound has ever asked SES for."),
    Entry("Rule set states", "ses_integration.rulesetstate", about="The AWS account, and the limits that SES has shown."),
    Entry("Leases", "ses_integration.lease", about="Which process may write to SES, and until when."),
    Entry("Rate limits", "ses_integration.ratelimit", about="When the next call to SES may be made."),
    Entry("Workers", "workers.worker", about="The processes that finish what is pending, and when they were last heard of."),
    Entry("Endpoints with problems", "mail.endpointgate", about="Endpoints that do not take their mail, since when and why."),
    Entry("Event notices", "mail.eventnotice", about="What webhooks are told besides mail, and whether they have taken it."),
    Entry("Sweeps of the bucket", "mail.mailsweep", about="When each domain's stored mail was last compared with the list."),
    Entry("DNS records", "domains.dnsrecord", about="What each domain should publish, and what its DNS answers."),
    Entry("Wrong passwords", "axes.accessattempt", about="Who failed to sign in, and which names are locked until when."),
    Entry("Groups", "auth.group", about="Roles, and what each may do."),
]  # fmt: skip


def page(site: AdminSite, request: HttpRequest) -> TemplateResponse:
    context = {**site.each_context(request), "title": "Under the hood", "tables": links(site, request, TABLES)}
    return TemplateResponse(request, "admin/desk/internals.html", context)
