"""The command domain_dns, with a real DNS server."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, execute_from_command_line
from django.utils import timezone
from dns.zone import Zone, from_text

from domains.deletion.service import delete_domain
from domains.models import DnsRecord, Domain
from domains.verification.rows import record_of
from inbound.tests.support.aws import calls, fail_calls, keep_new_identities_pending
from inbound.tests.support.factories import DomainFactory, WorkerFactory
from ses_integration.tests.commands.run import run

pytestmark = pytest.mark.sqlite

KINDS = ["TXT", "MX", "CNAME", "CNAME", "CNAME", "MX", "TXT", "TXT", "TXT"]


@pytest.fixture
def added(api, ses, dns):
    """A domain whose records SES has named; none is published."""
    keep_new_identities_pending(ses)
    api.post("/api/v2/domains", {"domain": "example.com"})
    ses.clear_journal()
    return Domain.objects.get()


@pytest.fixture
def published(added, dns):
    dns.publish_records([record_of(added.name, row) for row in added.dns_records.all()])
    return added


def lines_of(out: str) -> list[list[str]]:
    """The cells of the table's rows."""
    rows = out.partition("\n\n")[0].splitlines()[2:]
    return [[row.split()[0], row.split()[1], *row.split()[-2:]] for row in rows]


def values(*options: str) -> tuple[int, dict]:
    code, out = run("domain_dns", "example.com", "--json", *options)
    return code, json.loads(out)


def zone(out: str) -> Zone:
    return from_text(out, check_origin=False, relativize=False)


def test_it_prints_what_to_publish_and_what_is_missing(added, ses):
    code, out = run("domain_dns", "example.com")
    assert code == 2
    assert out.endswith(" It is recorded, and waits: no ses_worker has ever run.\n")
    WorkerFactory()
    _, out = run("domain_dns", "example.com")
    assert out.splitlines()[0].split() == ["TYPE", "NAME", "VALUE", "REQUIRED", "LIVE"]
    rows = lines_of(out)
    assert [row[0] for row in rows] == KINDS
    assert [row[2] for row in rows] == ["yes"] * 5 + ["no"] * 4
    assert {row[3] for row in rows} == {"missing"}
    assert "No MX record was found at example.com: publish it.\n" in out
    assert "0 of 5 required records published.\n" in out
    assert (
        "\nexample.com is pending: SES has not found the DNS records yet. It looks for 72 hours. The worker checks"
        in out
    )


def test_it_succeeds_when_the_required_records_are_published(published, dns):
    dns.withdraw("_dmarc.example.com")
    code, out = run("domain_dns", "Example.COM.")
    assert code == 0
    assert [row[3] for row in lines_of(out)] == ["verified"] * 8 + ["missing"]
    assert "5 of 5 required records published.\n" in out


def test_it_says_what_is_wrong_and_what_to_do(published, dns):
    dns.withdraw("example.com", "MX")
    dns.publish("example.com", "MX", "5 mx.example.net.")
    code, out = run("domain_dns", "example.com")
    assert code == 2
    assert ["MX", "example.com", "yes", "wrong"] in lines_of(out)
    ours = "inbound-smtp.eu-west-1.amazonaws.com"
    assert f"\nThe MX record at example.com points to mx.example.net: replace it with {ours}.\n" in out


def test_trouble_with_dns_is_unknown_and_told_once(published, dns):
    dns.answers(".", "SERVFAIL")
    code, out = run("domain_dns", "example.com")
    assert code == 2
    assert {row[3] for row in lines_of(out)} == {"unknown"}
    assert out.count("SERVFAIL") == 1


def test_it_asks_only_dns_and_stores_nothing(published, ses):
    before = Domain.objects.values().get(), list(DnsRecord.objects.order_by("pk").values())
    run("domain_dns", "example.com")
    assert (Domain.objects.values().get(), list(DnsRecord.objects.order_by("pk").values())) == before
    assert ses.journal() == []


def test_json_has_the_whole_values(published, dns):
    dns.withdraw("mail.example.com", "MX")
    code, shown = values()
    assert (code, shown["domain"], shown["status"], shown["requiredPublished"]) == (0, "example.com", "pending", True)
    assert shown["statusReason"].startswith("SES has not found the DNS records yet.")
    assert shown["warning"] is None
    missing = shown["records"][5]
    assert missing.pop("why").startswith("No MX record was found")
    assert missing == {
        "type": "MX",
        "name": "mail.example.com",
        "value": "10 feedback-smtp.eu-west-1.amazonses.com",
        "description": 'MAIL FROM domain MX record (eliminates "via amazonses.com")',
        "isRequired": False,
        "state": "missing",
        "found": [],
    }
    assert {row["state"] for row in shown["records"]} == {"verified", "missing"}


def test_publishing_the_zone_fragment_is_enough(added, dns):
    code, out = run("domain_dns", "example.com", "--zone")
    assert code == 2
    assert len([*zone(out).iterate_rdatas()]) == 9
    dns.load(out, "example.com")
    assert run("domain_dns", "example.com")[0] == 0
    assert {row["state"] for row in values()[1]["records"]} == {"verified"}


def test_the_zone_fragment_harms_nothing_that_is_published(published, dns):
    """A second SPF or DMARC record makes both useless, and a CNAME cannot stand beside other records."""
    for name, texts in (
        ("example.com", "v=spf1 include:amazonses.com -all"),
        ("_dmarc.example.com", "v=DMARC1; p=reject"),
    ):
        dns.withdraw(name, "TXT")
        dns.publish(name, "TXT", texts)
    dns.withdraw("mail.example.com", "TXT")
    dns.publish("mail.example.com", "TXT", "v=spf1 -all")
    dns.withdraw("_amazonses.example.com")
    dns.publish("_amazonses.example.com", "TXT", "another account's")
    out = run("domain_dns", "example.com", "--zone")[1]
    held = {(str(name), rdata.rdtype.name) for name, _, rdata in zone(out).iterate_rdatas()}
    assert held >= {("_amazonses.example.com.", "TXT"), ("example.com.", "MX"), ("mail.example.com.", "MX")}
    assert not held & {(f"{name}example.com.", "TXT") for name in ("", "_dmarc.", "mail.")}
    assert "; This does the job already: v=DMARC1; p=reject\n; _dmarc 3600 IN TXT" in out


def test_records_that_ses_has_not_named_are_told(api, ses, dns, impatient):
    fail_calls(ses)
    api.post("/api/v2/domains", {"domain": "example.com"})
    dns.publish("example.com", "MX", "10 inbound-smtp.eu-west-1.amazonaws.com")
    code, out = run("domain_dns", "example.com")
    assert code == 2
    assert [row[:2] for row in lines_of(out)] == [
        ["MX", "example.com"],
        ["TXT", "example.com"],
        ["TXT", "_dmarc.example.com"],
    ]
    assert (
        "1 of 1 required record published.\nSES has not created the identity yet. AWS is throttling our calls." in out
    )
    assert values()[1]["warning"].startswith("SES has not created the identity yet.")


def test_without_aws_configuration_it_says_what_to_set(user, settings, dns, transactional_db):
    settings.AWS_REGION = ""
    DomainFactory(owner=user, name="example.com")
    with pytest.raises(CommandError, match="not known, because AWS region or credentials are missing"):
        run("domain_dns", "example.com")


def test_records_that_ses_has_named_are_printed_before_they_are_stored(published):
    DnsRecord.objects.exclude(record_type="MX").delete()
    code, out = run("domain_dns", "example.com")
    assert (code, [row[0] for row in lines_of(out)]) == (0, KINDS)


def test_records_that_are_known_are_checked_without_aws_configuration(published, settings):
    settings.AWS_REGION = ""
    code, out = run("domain_dns", "example.com")
    assert (code, len(lines_of(out))) == (0, 9)
    assert "SES has not" not in out.partition("example.com is pending: ")[0]


class TestDomainsThatAreNotThere:
    def test_an_unknown_name_is_told_in_canonical_form(self, ses):
        with pytest.raises(CommandError, match=r"There is no domain 'xn--bcher-kva\.example'\. Add it"):
            run("domain_dns", "Bücher.example.")

    def test_for_a_deleted_domain_it_points_to_the_report(self, added):
        deletion = delete_domain(domain=added, requested_by="me")
        with pytest.raises(CommandError, match=f"example.com has been deleted.*: GET /deletions/{deletion.pk}, or"):
            run("domain_dns", "example.com")

    def test_for_a_domain_that_is_being_deleted_it_points_to_the_report(self, added):
        Domain.objects.update(deleting_since=timezone.now())
        with pytest.raises(CommandError, match=r"example\.com is being deleted"):
            run("domain_dns", "example.com")

    def test_a_name_that_was_added_again_is_there(self, added, api):
        delete_domain(domain=added, requested_by="me")
        api.post("/api/v2/domains", {"domain": "example.com"})
        assert run("domain_dns", "example.com")[0] == 2


@pytest.mark.parametrize(
    "words", [[], ["https://example.com/"], ["me@example.com"], ["example.com", "--zone", "--json"]]
)
def test_wrong_usage_is_a_sentence_and_exit_code_1(words, capsys):
    with pytest.raises(SystemExit) as end:
        execute_from_command_line(["manage.py", "domain_dns", *words])
    assert end.value.code == 1
    assert "manage.py domain_dns: error: " in capsys.readouterr().err


def test_ses_is_never_asked(added, ses):
    run("domain_dns", "example.com", "--zone")
    assert calls(ses) == []
