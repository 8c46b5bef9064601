"""`import_domain`: the configuration"""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from addresses.models import BlockedEmail, EmailAddress
from archives.imports import configure
from archives.tests.format.reading.making import Making
from archives.tests.imports.rows import delete, everything, shown
from audit.models import Change
from domains.deletion.service import delete_domain
from domains.models import Domain
from endpoints.models import Endpoint
from inbound.tests.support.aws import calls, fail_calls, recover_and_run_worker, rules
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, UserFactory
from ses_integration.api import shared_deadline

pytestmark = pytest.mark.usefixtures("ses")


def test_a_deleted_domain_is_as_before(full, ses, exported, importing):
    before = shown(Domain.objects.get())
    in_ses = rules(ses)
    file = exported("--with-secrets")
    delete(full)
    assert rules(ses) == {}
    ses.clear_journal()
    code, answer = importing(file, full.owner)
    assert (code, answer["warning"], answer["toFillIn"]) == (0, None, [])
    domain = Domain.objects.get()
    assert shown(domain) == before
    assert rules(ses) == in_ses == {"inbound-example.com-rule": {"hello@example.com", "info@example.com"}}
    assert calls(ses).count("CreateReceiptRule") == 1
    assert answer["ids"]["domain"] == {full.pk: domain.pk}
    assert full.pk != domain.pk
    assert set(answer["ids"]["addresses"].values()) == set(EmailAddress.objects.values_list("pk", flat=True))
    assert list(answer["ids"]["blockedEmails"].values()) == [BlockedEmail.objects.get().pk]


def test_a_catch_all_is_imported(full, ses, exported, importing):
    full.is_catch_all_enabled, full.catch_all_endpoint = True, Endpoint.objects.get(name="Box")
    full.save()
    file = exported()
    delete(full)
    assert importing(file, full.owner)[0] == 0
    domain = Domain.objects.get()
    assert (domain.is_catch_all_enabled, domain.catch_all_endpoint.name) == (True, "Box")
    assert rules(ses) == {"inbound-example.com-catchall-rule": {"example.com"}}


def test_the_owner_s_endpoints_are_used_again(full, exported, importing):
    before = set(Endpoint.objects.values_list("pk", flat=True))
    file = exported()
    delete(full)
    _, answer = importing(file, full.owner)
    assert set(Endpoint.objects.values_list("pk", flat=True)) == before
    assert answer["ids"]["endpoints"] == {pk: pk for pk in before}
    assert {endpoint["isReused"] for endpoint in answer["plan"]["endpoints"]} == {True}


def test_an_endpoint_of_another_type_is_not_used(full, exported, importing):
    file = exported("--with-secrets")
    delete(full)
    Endpoint.objects.filter(name="Box").update(type="email_group", config={"emails": ["jo@example.org"]})
    importing(file, full.owner)
    assert Endpoint.objects.filter(name="Box").count() == 2
    assert EmailAddress.objects.get(address="info@example.com").endpoint.type == "email"


def test_another_account_gets_endpoints_of_its_own_with_their_secrets(full, exported, importing):
    hook = Endpoint.objects.get(name="Hook")
    file = exported("--with-secrets")
    delete(full)
    new = UserFactory()
    code, answer = importing(file, new)
    assert (answer["toFillIn"], code) == ([], 0)
    copy = Endpoint.objects.get(owner=new, name="Hook")
    assert copy.pk != hook.pk
    assert (copy.config, copy.secret, copy.is_active) == (hook.config, hook.secret, True)
    assert EmailAddress.objects.get(address="hello@example.com").endpoint == copy


def test_an_endpoint_without_its_secrets_is_inactive_and_says_what_to_fill_in(full, exported, importing):
    file = exported()
    delete(full)
    new = UserFactory()
    code, answer = importing(file, new)
    assert code == 2
    hook = Endpoint.objects.get(owner=new, name="Hook")
    assert hook.config["url"] == "https://hooks.example.org/?token="
    assert hook.config["headers"] == {}
    assert hook.config["verificationToken"] not in ("v", "***")
    assert not hook.is_active
    assert hook.inactive_reason == (
        "The archive does not have these of its settings: url, headers.X-Key, verificationToken. Fill them in. "
        "Its signing secret is new: set the earlier one, or give its receiver the new one. Then switch it on."
    )
    assert answer["toFillIn"] == [f"Endpoint Hook is inactive. {hook.inactive_reason}"]
    # It has no secrets.
    assert Endpoint.objects.get(owner=new, name="Box").is_active


def test_rows_are_stored_batch_by_batch(full, exported, importing, monkeypatch):
    """The database ends a transaction in which nothing happens for ten seconds: not all rows are made before the first."""
    before = shown(Domain.objects.get())
    file = exported("--with-secrets")
    delete(full)
    monkeypatch.setattr(configure, "BATCH", 2)
    with CaptureQueriesContext(connection) as captured:
        importing(file, full.owner)
    assert shown(Domain.objects.get()) == before
    tables = [query["sql"].split('"')[1] for query in captured if query["sql"].startswith("INSERT")]
    first = tables.index("addresses_emailaddress")
    assert tables[first : first + 4] == ["addresses_emailaddress", "audit_change"] * 2


def test_an_endpoint_without_settings_leads_nowhere(user, given, importing):
    making = Making(change=lambda values: values.update(endpointSettings=False))
    making.rows["endpoints.jsonl"] = [{"id": "e1", "name": "CRM", "type": "email"}]
    code, answer = importing(given(making.bytes()), user)
    assert code == 2
    row = Endpoint.objects.get()
    assert (row.config, row.is_active) == ({"forwardTo": "imported@imported.invalid"}, False)
    assert "Replace those that it has now" in answer["toFillIn"][0]


def test_what_is_imported_is_recorded(full, exported, importing):
    file = exported()
    delete(full)
    last = Change.objects.latest("pk").pk
    importing(file, full.owner)
    changes = Change.objects.filter(pk__gt=last)
    assert {(change.action, change.object_name) for change in changes if change.action != "exported"} >= {
        ("added", "example.com"),
        ("imported", "example.com"),
        ("added", "hello@example.com"),
        ("added", "spam@example.com"),
    }
    (entry,) = changes.filter(action="imported")
    assert entry.after == {"archiveId": full.pk, "addresses": 3, "blockedEmails": 1, "endpoints": 0}


def test_a_dry_run_shows_what_is_then_done_and_changes_nothing(full, ses, exported, importing):
    file = exported()
    delete(full)
    new = UserFactory()
    rows = everything()
    ses.clear_journal()
    code, foreseen = importing(file, new, "--dry-run")
    assert (code, everything(), ses.journal()) == (0, rows, [])
    assert (foreseen["dryRun"], foreseen["ids"]) == (True, None)
    _, answer = importing(file, new)
    assert (foreseen["plan"], foreseen["toFillIn"]) == (answer["plan"], answer["toFillIn"])


def test_a_dry_run_shows_the_plan_and_what_is_in_the_way(full, exported, capsys):
    file = exported()
    rows = everything()

    def printed(*options: str) -> str:
        capsys.readouterr()
        with pytest.raises(CommandError, match=r"has example\.com already\. Import the archive with its mail"):
            call_command("import_domain", file, "--owner", full.owner.username, "--dry-run", *options)
        return str(capsys.readouterr().out)

    assert "3 addresses, 1 blocked email" in printed()
    foreseen = json.loads(printed("--json"))
    assert (foreseen["plan"]["addresses"], foreseen["conflict"]["code"]) == (3, "DOMAIN_EXISTS")
    assert everything() == rows


def test_without_ses_the_domain_is_imported_and_the_worker_does_the_rest(
    full, ses, exported, importing, settings, monkeypatch
):
    file, in_ses = exported(), rules(ses)
    delete(full)
    settings.SES_REQUEST_BUDGET = 0.4
    monkeypatch.setattr("archives.management.commands.import_domain.SECONDS_PER_DOMAIN", 0.4)
    fail_calls(ses)
    code, answer = importing(file, full.owner)
    assert code == 2
    assert answer["warning"].startswith("SES has not confirmed the imported domain yet:")
    assert rules(ses) == {}
    recover_and_run_worker(ses)
    assert rules(ses) == in_ses


def test_other_domains_stay_as_they_are(full, ses, exported, importing):
    other = DomainFactory(owner=full.owner, name="example.org")
    EmailAddressFactory(domain=other, address="hello@example.org")
    file = exported()
    full.refresh_from_db()
    with shared_deadline():
        delete_domain(domain=full, requested_by="test")
    importing(file, full.owner)
    assert set(rules(ses)) == {"inbound-example.com-rule", "inbound-example.org-rule"}
