"""`export_domain`: a domain as one file."""

from __future__ import annotations

import stat

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from archives.tests.reading import read
from audit.models import Change
from domains.models import StatusChange
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DnsRecordFactory,
    EmailAddressFactory,
    EndpointFactory,
    MessageFactory,
)
from mail.models import ReceivedEmail
from mail.tests.inbox import RAW, received, stored


@pytest.fixture
def target(tmp_path):
    return tmp_path / "example.zip"


def export(target, *options: str):
    call_command("export_domain", "example.com", "--to", str(target), *options)
    return read(target.read_bytes())


def test_the_configuration_is_exported(domain, target):
    endpoint = EndpointFactory(owner=domain.owner, name="Hook", config={"url": "https://jo:pw@hooks.example.org/"})
    catch_all = EndpointFactory(owner=domain.owner, name="Catch-all")
    EndpointFactory(owner=domain.owner, name="Of another domain")
    domain.is_catch_all_enabled, domain.catch_all_endpoint = True, catch_all
    domain.save()
    address = EmailAddressFactory(domain=domain, address="hello@example.com", endpoint=endpoint)
    blocked = BlockedEmailFactory(domain=domain, email_address="spam@example.com", reason="Spam")
    domain.dns_records.all().delete()
    DnsRecordFactory(domain=domain, name="example.com", value="v=spf1", record_type="TXT")
    StatusChange.objects.create(
        domain=domain, before="pending", after="verified", reason="SES says so.", at=timezone.now()
    )
    found = export(target)
    files = found.files
    assert files["domain.json"]["name"] == "example.com"
    assert files["domain.json"]["isCatchAllEnabled"] is True
    assert files["domain.json"]["catchAllEndpointId"] == catch_all.pk
    assert [(row["address"], row["id"], row["endpointId"]) for row in files["addresses.jsonl"]] == [
        ("hello@example.com", address.pk, endpoint.pk)
    ]
    assert [(row["name"], row["config"]["url"], row["secret"]) for row in files["endpoints.jsonl"]] == [
        ("Catch-all", "https://hooks.example.org/mail", None),
        ("Hook", "https://***@hooks.example.org/", None),
    ]
    assert [(row["id"], row["emailAddress"], row["reason"]) for row in files["blocked-emails.jsonl"]] == [
        (blocked.pk, "spam@example.com", "Spam")
    ]
    assert [(row["type"], row["value"]) for row in files["dns-records.jsonl"]] == [("TXT", "v=spf1")]
    assert [row["after"] for row in files["status-history.jsonl"]] == ["verified"]
    counts = found.manifest["counts"]
    assert {name: counts[name] for name in ("addresses", "endpoints", "blockedEmails", "dnsRecords")} == {
        "addresses": 1,
        "endpoints": 2,
        "blockedEmails": 1,
        "dnsRecords": 1,
    }
    assert (found.manifest["format"], found.manifest["version"]) == ("inbound-domain-archive", 1)


def test_secrets_are_exported_only_if_asked_for(domain, target):
    endpoint = EndpointFactory(owner=domain.owner, config={"url": "https://hooks.example.org/", "headers": {"X": "y"}})
    EmailAddressFactory(domain=domain, endpoint=endpoint)
    (row,) = export(target, "--with-secrets").files["endpoints.jsonl"]
    assert row["secret"] == endpoint.secret
    assert row["config"]["headers"] == {"X": "y"}
    change = Change.objects.filter(action="exported").get()
    assert (change.object_name, change.owner_id, change.after) == ("example.com", domain.owner_id, {"secrets": True})


def test_mail_is_exported_byte_by_byte_with_what_is_known_of_it(domain, target):
    email = stored(domain, RAW, envelope_from="jo@example.net", spf="PASS", virus="FAIL")
    ReceivedEmail.objects.update(disposition="quarantined", is_read=True, read_at=timezone.now())
    odd = stored(domain, b"\x00\xff no mail at all \r\n\n\r")
    found = export(target)
    assert sorted(found.contents.values()) == sorted([RAW, b"\x00\xff no mail at all \r\n\n\r"])
    mail = next(mail for mail in found.mails if mail["sesMessageId"] == email.message.ses_id)
    assert mail["envelopeFrom"] == "jo@example.net"
    assert (mail["verdicts"]["spf"], mail["verdicts"]["virus"], mail["verdicts"]["spam"]) == ("PASS", "FAIL", None)
    (shown,) = mail["emails"]
    assert (shown["id"], shown["recipient"], shown["disposition"], shown["isRead"], shown["isArchived"]) == (
        email.pk,
        "hello@example.com",
        "quarantined",
        True,
        False,
    )
    assert {mail["sesMessageId"] for mail in found.mails} == {email.message.ses_id, odd.message.ses_id}


def test_mail_that_s3_does_not_have_is_named(domain, target, capsys):
    received(domain)
    with pytest.raises(SystemExit) as end:
        export(target)
    assert end.value.code == 2
    assert "S3 does not have 1 mail" in capsys.readouterr().err
    found = read(target.read_bytes())
    assert [mail["file"] for mail in found.mails] == [None]
    assert found.manifest["counts"]["missing"] == 1


def test_mail_that_is_being_erased_is_left_out(domain, target):
    MessageFactory(domain=domain, state="erasing")
    assert export(target).mails == []


def test_mail_of_other_domains_is_left_out(domain, other_domain, target):
    stored(other_domain, RAW)
    EmailAddressFactory(domain=other_domain)
    found = export(target)
    assert (found.mails, found.files["addresses.jsonl"]) == ([], [])


def test_the_file_is_new_and_for_its_owner_only(domain, target):
    export(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="exists"):
        export(target)


def test_an_unknown_domain_is_refused(user, target):
    with pytest.raises(CommandError, match=r"There is no domain 'example.com'"):
        export(target)
    assert not target.exists()


def test_a_failure_leaves_no_file(domain, ses, target):
    stored(domain, RAW)
    ses.add_faults({"service": "s3", "action": "GetObject", "fault": "access_denied", "times": None})
    with pytest.raises(CommandError):
        export(target)
    assert not target.exists()


def test_the_archive_may_go_to_standard_output(domain, capsysbinary):
    stored(domain, RAW)
    call_command("export_domain", "example.com", "--to", "-")
    captured = capsysbinary.readouterr()
    assert read(captured.out).contents == {"mails/000001/000001.eml": RAW}
    assert captured.err.decode().startswith("example.com is exported: 1 mail, ")
