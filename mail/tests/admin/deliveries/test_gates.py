"""The list of endpoints that fail or are slow."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from backoffice.text import moment
from inbound.tests.support.admin_site import assert_constant_statements, open_links, text, url
from inbound.tests.support.factories import DeliveryFactory, EndpointFactory
from mail.models import EndpointGate

LIST = "/admin/mail/endpointgate/"


def gate(name: str = "Shop", waiting: int = 0, **values: object) -> EndpointGate:
    endpoint = EndpointFactory(name=name)
    for _ in range(waiting):
        DeliveryFactory(endpoint=endpoint)
    known = {"failures": 7, "down_since": timezone.now() - timedelta(hours=3), "problem": "It answered 503."}
    return EndpointGate.objects.create(endpoint=endpoint, **(known | values))


def test_what_is_down_is_listed_with_what_waits(admin_client: Client, domain) -> None:
    later = timezone.now() + timedelta(minutes=4)
    row = gate(waiting=2, not_before=later)
    page = text(admin_client.get(LIST))
    for shown in ("Shop", "3 h", ">7<", "It answered 503.", moment(later)):
        assert shown in page
    assert f'href="/admin/mail/delivery/?endpoint__id__exact={row.pk}&state__exact=due">2</a>' in page
    assert len(open_links(admin_client, LIST)) > 3
    assert "Shop" in text(admin_client.get(url("mail.endpointgate", "change", row.pk)))


def test_the_list_needs_as_many_statements_for_many(admin_client: Client, domain) -> None:
    assert_constant_statements(admin_client, LIST, lambda: gate(waiting=1))
