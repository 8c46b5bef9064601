"""Deletions of domains in the admin: the report, the verification, and continuing one."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from domains.deletion.proof import prove_deletions
from domains.deletion.service import delete_domain, resume_deletions
from domains.lifecycle.register import add_domain
from domains.models import DomainDeletion
from inbound.tests.support.admin_site import delete_selected, run_action, text, url
from inbound.tests.support.aws import store_mail
from inbound.tests.support.factories import DnsRecordFactory, EmailAddressFactory
from ses_integration.aws import clients


def test_a_deletion_is_shown_with_its_verification(domain, ses, admin_client: Client):
    EmailAddressFactory(domain=domain, address="a@example.com")
    DnsRecordFactory(domain=domain, name="_amazonses.example.com", value="<token>")
    DnsRecordFactory(domain=domain, name="_dmarc.example.com", value="v=DMARC1; p=none")
    domain.delete()
    resume_deletions()
    record = DomainDeletion.objects.get()
    path = url("domains.domaindeletion", "change", record.pk)
    unverified = text(admin_client.get(path))
    assert "not verified yet" in unverified
    assert re.search(r'Verified at:</label>\s*<div class="readonly">-</div>', unverified)
    clients.ses("eu-west-1").create_receipt_rule(
        RuleSetName="inbound-email-rules", Rule={"Name": "theirs", "Enabled": True, "Recipients": ["example.com"]}
    )
    prove_deletions()
    shown = text(admin_client.get(path))
    assert re.search(r'Verified at:</label>\s*<div class="readonly">[A-Z][a-z.]+ \d+, \d{4}, ', shown)
    assert "nothing of ours; rules of others receive mail for example.com: theirs" in shown
    assert "inbound-example.com-rule" in shown
    assert "_amazonses.example.com TXT <token>" in shown
    assert "_dmarc" not in shown
    assert f"s3://inbound-mail/{record.key_prefix}" in shown


def test_read_only_records_cannot_be_changed(ses, user, admin_client: Client):
    record = add_domain(owner=user, name="example.com").domain.dns_records.all()[0]
    deleted = delete_domain(domain=add_domain(owner=user, name="example.org").domain, requested_by="me")
    rows: dict[str, Any] = {"domains.dnsrecord": record, "domains.domaindeletion": deleted}
    for model, row in rows.items():
        for path in (url(model, "add"), url(model, "change", row.pk), url(model, "delete", row.pk)):
            assert admin_client.post(path, {"post": "yes"}).status_code == 403, path
        delete_selected(admin_client, model, [row])
        assert type(row).objects.filter(pk=row.pk).exists()


def test_an_unfinished_deletion_can_be_retried(ses, user, admin_client: Client, settings):
    domain = add_domain(owner=user, name="example.com").domain
    settings.SES_REQUEST_BUDGET = 0
    record = delete_domain(domain=domain, requested_by="me")
    settings.SES_REQUEST_BUDGET = 60
    _, messages = run_action(admin_client, "domains.domaindeletion", "retry", [record])
    assert messages == [("success", "1 finished.")]
    record.refresh_from_db()
    assert record.finished_at is not None
    _, messages = run_action(admin_client, "domains.domaindeletion", "retry", [record])
    assert messages == [("info", "All selected deletions are already finished.")]


def test_a_failed_deletion_is_retried_before_its_next_attempt_is_due(ses, user, admin_client: Client, settings):
    domain = add_domain(owner=user, name="example.com").domain
    store_mail(f"{domain.key_prefix}mail")
    settings.SES_REQUEST_BUDGET = 0
    record = delete_domain(domain=domain, requested_by="me")
    settings.SES_REQUEST_BUDGET = 60
    ses.add_faults(
        {"service": "sesv2", "action": "DeleteEmailIdentity", "fault": "access_denied"},
        {"service": "s3", "action": "ListObjectVersions", "fault": "access_denied", "times": 2},
    )
    denied = "AWS does not allow this call; the credentials lack a permission."
    _, [(level, first)] = run_action(admin_client, "domains.domaindeletion", "retry", [record])
    assert level == "warning"
    assert first.startswith("example.com: Still pending: identity, stored mail. ")
    assert denied in first
    _, [(level, second)] = run_action(admin_client, "domains.domaindeletion", "retry", [record])
    assert level == "warning"
    assert second.startswith("example.com: Done now: identity. Still pending: stored mail. ")
    assert f"{denied} Next try " in second
    _, messages = run_action(admin_client, "domains.domaindeletion", "retry", [record])
    assert messages == [("success", "1 finished.")]
