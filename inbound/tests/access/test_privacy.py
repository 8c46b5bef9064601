"""What somebody with little access does not get by a detour: by a key that only reads, a plan, a restored address or the log."""

from __future__ import annotations

import pytest

from archives.exports.task import run_exports
from domains.sharing.service import share
from inbound.models import Scope
from inbound.tests.support.factories import (
    UserFactory,
)
from inbound.tests.support.prepared import verified_domain


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
