"""From a domain that is deleted to the page where it is restored."""

from __future__ import annotations

from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.urls import reverse

from domains.models import Domain, DomainDeletion


def report_url(request: HttpRequest, domain: Domain) -> str:
    """Empty if the domain is in no grace period, or the user may not see its deletion."""
    if domain.restorable_until is None or not request.user.has_perm("domains.view_domaindeletion"):
        return ""
    report = DomainDeletion.objects.in_grace().filter(domain_id=domain.pk).first()
    return reverse("admin:domains_domaindeletion_change", args=[quote(report.pk)]) if report else ""
