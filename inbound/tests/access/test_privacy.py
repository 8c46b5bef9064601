"""What somebody with little access does not get by a detour: by a key that only reads, a plan, a restored address or the log."""

from __future__ import annotations

import pytest
from django.test import Client

from archives.exports.task import run_exports
from audit.models import Change
from domains.sharing.service import share
from inbound.models import Scope
from inbound.tests.support.factories import (
    DeletedAddressFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    UserFactory,
)
from inbound.tests.support.prepared import verified_domain
from mail.tests.inbox import RAW, stored


@pytest.fixture
def domain(ses, user):
    return verified_domain(ses, user, "example.com")


@pytest.fixture
def jo(domain):
    """A manager."""
    member = UserFactory(username="jo")
    share(domain=domain, user=member, role="manager")
    return member


def exported(client, domain, **body):
    pk = client.post(f"/api/v2/domains/{domain.pk}/exports", body).json()["id"]
    run_exports()
    return f"/api/v2/exports/{pk}"


def test_a_key_that_only_reads_gets_no_link_to_an_export_with_secrets(api, client_for, domain, user):
    path = exported(api, domain, includeSecrets=True)
    reader = client_for(user, Scope.READ)
    assert api.get(path).json()["downloadUrl"]
    shown = reader.get(path).json()
    assert (shown["status"], shown["downloadUrl"]) == ("ready", None)
    (listed,) = reader.get("/api/v2/exports").json()["data"]
    assert listed["downloadUrl"] is None
    assert reader.get(exported(api, domain)).json()["downloadUrl"]


def test_the_owner_reads_in_the_log_who_has_downloaded_an_export(api, client_for, domain, jo):
    stored(domain, RAW)
    client = client_for(jo)
    Client().get(client.get(exported(client, domain)).json()["downloadUrl"]).close()
    newest = api.get("/api/v2/audit-log").json()["data"][0]
    assert (newest["action"], newest["who"], newest["remoteAddress"]) == ("downloaded", "jo", None)
    assert Change.objects.get(action="downloaded").via == "role manager"


def test_a_plan_tells_a_manager_nothing_of_how_endpoints_are_configured(api, client_for, domain, user, jo):
    address = EmailAddressFactory(domain=domain, address="a@example.com")
    config = {"forwardTo": "a+secret@example.com", "fromAddress": "The private name <a@example.com>"}
    EndpointFactory(owner=user, name="Unrelated", type="email", config=config)
    path = f"/api/v2/email-addresses/{address.pk}"
    own = api.get(f"{path}/deletion-plan")
    assert own.json()["stays"]["dependentEndpoints"][0]["name"] == "Unrelated"
    client = client_for(jo)
    for answer in (client.get(f"{path}/deletion-plan"), client.delete(f"{path}?dry_run=true")):
        assert answer.status_code == 200
        for secret in ("Unrelated", "+secret", "private name"):
            assert secret not in answer.content.decode()
        assert answer.json()["token"] == own.json()["token"]
    assert client.delete(f"{path}?plan={own.json()['token']}").status_code == 200


def test_the_log_names_a_role_only_for_what_belongs_to_others(client_for, domain, jo):
    own = stored(DomainFactory(owner=jo), RAW)
    shared = stored(domain, RAW)
    body = {"emailIds": [own.pk, shared.pk], "updates": {"isArchived": True}}
    assert client_for(jo).post("/api/v2/mail/bulk", body).status_code == 200
    via = dict(Change.objects.filter(object_type="mail.receivedemail").values_list("object_id", "via"))
    assert via == {own.pk: "", shared.pk: "role manager"}


def test_a_restored_address_goes_to_no_endpoint_of_somebody_else(client_for, settings, domain, jo):
    settings.ADDRESS_DELETE_GRACE_DAYS = 7
    endpoint = EndpointFactory(owner=jo, name="Of jo", config={"url": "https://jo.example.net/hook"})
    DeletedAddressFactory(pk="gone", domain=domain, endpoint=endpoint)
    answer = client_for(jo).post("/api/v2/deleted-addresses/gone/restore")
    assert (answer.status_code, answer.json()["endpointId"]) == (200, None)
    assert "jo.example.net" not in answer.content.decode()
