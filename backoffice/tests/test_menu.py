"""The menu marks where one is."""

from __future__ import annotations

from django.test import Client

from inbound.tests.support.admin_site import text, url


def test_the_page_that_is_open_is_marked(ses, admin_client: Client):
    domains = url("domains.domain", "changelist")
    for path in (domains, url("domains.domain", "add")):
        assert f'href="{domains}" aria-current="page"' in text(admin_client.get(path))
    assert 'href="/admin/" aria-current="page"' in text(admin_client.get("/admin/"))


def test_nothing_is_marked_on_a_page_that_the_menu_does_not_have(ses, admin_client: Client):
    assert 'aria-current="page"' not in text(admin_client.get(url("domains.dnsrecord", "changelist")))
