"""`POST /domains/{id}/exports`, `/exports` and the download link."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from archives.exports import links
from archives.exports.task import run_exports
from archives.models import Export
from archives.tests.reading import read
from audit.models import Change
from domains.models import DomainAccess
from inbound.models import Scope
from inbound.tests.support.factories import EmailAddressFactory, EndpointFactory, UserFactory
from mail.tests.inbox import RAW, stored


def start(api, domain, **body):
    return api.post(f"/api/v2/domains/{domain.pk}/exports", body)


@pytest.fixture
def viewer(domain):
    """An account with which the domain is shared to read."""
    account = UserFactory()
    DomainAccess.objects.create(domain=domain, user=account, role="viewer")
    return account


@pytest.fixture
def ready(api, domain):
    """The answer about a finished export."""
    stored(domain, RAW)
    pk = start(api, domain).json()["id"]
    run_exports()
    return api.get(f"/api/v2/exports/{pk}").json()


def fetch(url: str):
    return Client().get(url)


def test_an_export_is_accepted_and_made_by_the_worker(api, domain):
    stored(domain, RAW)
    answer = start(api, domain)
    assert answer.status_code == 202
    begun = answer.json()
    assert begun == {
        "id": begun["id"],
        "domainId": domain.pk,
        "domain": "example.com",
        "status": "pending",
        "includesSecrets": False,
        "progress": {"mails": 0, "mailsTotal": 1, "bytes": 0},
        "missingMails": 0,
        "problem": None,
        "createdAt": begun["createdAt"],
        "finishedAt": None,
        "expiresAt": None,
        "downloadUrl": None,
    }
    run_exports()
    ready = api.get(f"/api/v2/exports/{begun['id']}").json()
    assert (ready["status"], ready["progress"]["mails"]) == ("ready", 1)
    assert ready["expiresAt"] > ready["finishedAt"]
    listed = api.get("/api/v2/exports", {"domainId": domain.pk}).json()["data"]
    assert [each["id"] for each in listed] == [begun["id"]]


def test_the_link_has_the_host_that_was_asked_and_the_scheme_of_the_proxy(ready, api, settings):
    path = f"/api/v2/exports/{ready['id']}"
    assert ready["downloadUrl"].startswith(f"http://testserver{path}/download?expires=")
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.ALLOWED_HOSTS = ["mail.example.net"]
    shown = api.get(path, HTTP_HOST="mail.example.net", HTTP_X_FORWARDED_PROTO="https").json()
    assert shown["downloadUrl"].startswith(f"https://mail.example.net{path}/download?expires=")


def test_the_link_needs_no_key(ready):
    answer = fetch(ready["downloadUrl"])
    assert answer.status_code == 200
    body = b"".join(answer.streaming_content)
    assert list(read(body).contents.values()) == [RAW]
    assert int(answer["Content-Length"]) == len(body) == ready["progress"]["bytes"]
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"].startswith('attachment; filename="example.com-')
    answer.close()
    head = Client().head(ready["downloadUrl"])
    assert (head.status_code, head["Content-Length"]) == (200, str(len(body)))


def test_a_download_is_recorded_with_the_account(ready, user):
    fetch(ready["downloadUrl"]).close()
    change = Change.objects.get(action="downloaded")
    assert (change.who, change.owner_id, change.object_name) == (user.username, user.pk, "example.com")
    assert change.after == {"exportId": ready["id"], "secrets": False}


@pytest.mark.parametrize("change", ["expires", "signature", "id"])
def test_a_link_that_was_changed_is_404(ready, api, domain, change):
    url = ready["downloadUrl"]
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if change == "id":
        other = start(api, domain).json()["id"]
        run_exports()
        url = url.replace(ready["id"], other)
    else:
        query[change] = {"expires": str(int(query["expires"]) + 1), "signature": "A" * 43}[change]
        url = f"{parts.path}?expires={query['expires']}&signature={query['signature']}"
    answer = fetch(url)
    assert (answer.status_code, answer.json()) == (404, {"error": "Export not found"})


@pytest.mark.parametrize("query", ["", "?expires=x&signature=", "?expires=²&signature=é", "?expires=1"])
def test_without_a_signature_there_is_nothing(ready, query):
    assert fetch(f"/api/v2/exports/{ready['id']}/download{query}").status_code == 404


def test_a_link_ends_after_an_hour(ready):
    export = Export.objects.get()
    path = urlsplit(ready["downloadUrl"]).path
    old = links.query_of(export, now=timezone.now().timestamp() - links.VALID_SECONDS - 1)
    answer = fetch(f"{path}?{old}")
    assert answer.status_code == 410
    assert answer.json() == {"error": "This link has expired. GET /exports/{id} has a new one."}


def test_a_link_survives_a_rotation_of_the_secret_key(ready, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    answer = fetch(ready["downloadUrl"])
    assert answer.status_code == 200
    answer.close()


def test_an_archive_expires(ready, api):
    Export.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    archive = Export.objects.get().archive
    run_exports()
    assert archive.size() is None
    shown = api.get(f"/api/v2/exports/{ready['id']}").json()
    assert (shown["status"], shown["downloadUrl"]) == ("expired", None)
    answer = fetch(ready["downloadUrl"])
    assert (answer.status_code, answer.json()["error"]) == (410, "The archive has been erased. Start a new export.")


def test_a_second_export_waits_for_the_first(api, domain):
    first = start(api, domain).json()
    answer = start(api, domain)
    assert answer.status_code == 409
    assert answer.json() == {
        "error": "An export of this domain is not finished yet.",
        "code": "EXPORT_RUNNING",
        "exportId": first["id"],
    }


def test_secrets_are_for_the_owner_with_the_scope_write(api, client_for, domain, viewer):
    endpoint = EndpointFactory(owner=domain.owner)
    EmailAddressFactory(domain=domain, endpoint=endpoint)
    assert start(client_for(domain.owner, Scope.READ), domain, includeSecrets=True).status_code == 403
    refused = start(client_for(viewer), domain, includeSecrets=True)
    assert refused.status_code == 403
    assert refused.json() == {"error": "This domain is shared with you. Only its owner can export its secrets."}
    assert start(api, domain, includeSecrets=True).json()["includesSecrets"] is True
    run_exports()
    _, pieces = Export.objects.get().archive.stream()
    (row,) = read(b"".join(pieces)).files["endpoints.jsonl"]
    assert row["secret"] == endpoint.secret


def test_a_viewer_exports_without_the_settings_of_endpoints(client_for, domain, viewer):
    endpoint = EndpointFactory(owner=domain.owner)
    EmailAddressFactory(domain=domain, endpoint=endpoint)
    pk = start(client_for(viewer), domain).json()["id"]
    run_exports()
    url = client_for(viewer).get(f"/api/v2/exports/{pk}").json()["downloadUrl"]
    answer = fetch(url)
    found = read(b"".join(answer.streaming_content))
    answer.close()
    assert found.files["endpoints.jsonl"] == [{"id": endpoint.pk, "name": endpoint.name, "type": "webhook"}]
    assert found.manifest["endpointSettings"] is False


def test_a_link_stops_working_when_access_is_lost(client_for, domain, viewer):
    pk = start(client_for(viewer), domain).json()["id"]
    run_exports()
    url = client_for(viewer).get(f"/api/v2/exports/{pk}").json()["downloadUrl"]
    fetch(url).close()
    DomainAccess.objects.all().delete()
    assert fetch(url).status_code == 404
    assert client_for(viewer).get(f"/api/v2/exports/{pk}").status_code == 404


def test_a_link_stops_working_when_the_account_is_switched_off(ready, user):
    user.is_active = False
    user.save()
    assert fetch(ready["downloadUrl"]).status_code == 404


def test_others_see_no_export(ready, client_for, domain, viewer):
    for account in (viewer, UserFactory()):
        assert client_for(account).get(f"/api/v2/exports/{ready['id']}").status_code == 404
        assert client_for(account).get("/api/v2/exports").json()["data"] == []
    assert start(client_for(UserFactory()), domain).status_code == 404


def test_an_export_that_is_not_ready_cannot_be_downloaded(api, domain):
    start(api, domain)
    export = Export.objects.get()
    answer = fetch(f"/api/v2/exports/{export.pk}/download?{links.query_of(export)}")
    assert (answer.status_code, answer.json()) == (409, {"error": "The archive is not ready yet."})


def test_a_mail_store_that_does_not_answer_is_503(ready, ses):
    ses.add_faults({"service": "s3", "action": "GetObject", "fault": "fail", "times": 1})
    answer = fetch(ready["downloadUrl"])
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
