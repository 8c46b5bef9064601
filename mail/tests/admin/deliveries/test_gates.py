"""The list of endpoints that fail or are slow."""

from __future__ import annotations

import re
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


def test_the_list_says_how_each_endpoint_is_and_promises_no_try_if_it_is_off(admin_client: Client, domain) -> None:
    rows = [
        gate("down", waiting=1),
        gate("failing", failures=1),
        gate("slow", failures=0, down_since=None, is_slow=True),
    ]
    assert [row.endpoint.health for row in rows] == ["down", "failing", "slow"]
    off = gate("off", waiting=1, not_before=timezone.now() + timedelta(minutes=4)).endpoint
    type(off).objects.filter(pk=off.pk).update(is_active=False, inactive_reason="It is gone.")
    page = text(admin_client.get(LIST))
    for state in ("down", "failing", "slow", "switched off"):
        assert re.search(rf'<t[dh] class="field-state"><a [^>]*>{state}</a>', page)
    assert re.findall(r'class="field-next_try">([^<]*)<', page).count("now") == 1
    endpoints = text(admin_client.get("/admin/endpoints/endpoint/"))
    assert (
        f'<td class="field-state"><a href="{url("mail.endpointgate", "change", off.pk)}">switched off</a></td>'
        in endpoints
    )
    assert_constant_statements(admin_client, "/admin/endpoints/endpoint/", gate)


def test_the_list_needs_as_many_statements_for_many(admin_client: Client, domain) -> None:
    assert_constant_statements(admin_client, LIST, lambda: gate(waiting=1))
