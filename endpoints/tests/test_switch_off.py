from __future__ import annotations

import pytest

from endpoints.models import Endpoint
from endpoints.services import switch_off, update_endpoint
from inbound.tests.support.factories import EndpointFactory

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

REASON = "The receiver answered 410 Gone to three mails in a row."


def test_an_endpoint_that_inbound_switches_off_says_why(api, user):
    endpoint, other = EndpointFactory.create_batch(2, owner=user)
    assert switch_off(endpoint.pk, REASON)
    shown = api.get(f"/api/v2/endpoints/{endpoint.pk}").json()
    assert (shown["isActive"], shown["inactiveReason"]) == (False, REASON)
    assert Endpoint.objects.get(pk=other.pk).is_active


def test_only_the_first_reason_counts():
    endpoint = EndpointFactory.create()
    assert switch_off(endpoint.pk, REASON)
    assert not switch_off(endpoint.pk, "Another one.")
    assert not switch_off("unknown", REASON)
    assert Endpoint.objects.get().inactive_reason == REASON


def test_one_that_its_owner_switched_off_has_no_reason():
    endpoint = update_endpoint(endpoint=EndpointFactory.create(), is_active=False)
    assert not switch_off(endpoint.pk, REASON)
    assert Endpoint.objects.get().inactive_reason == ""


def test_activating_clears_the_reason_and_other_changes_do_not():
    endpoint = EndpointFactory.create()
    switch_off(endpoint.pk, REASON)
    assert update_endpoint(endpoint=endpoint, name="Other", is_active=False).inactive_reason == REASON
    assert update_endpoint(endpoint=endpoint, is_active=True).inactive_reason == ""


def test_a_long_reason_is_cut():
    endpoint = EndpointFactory.create()
    assert switch_off(endpoint.pk, "x" * 5000)
    assert len(Endpoint.objects.get().inactive_reason) == 500
