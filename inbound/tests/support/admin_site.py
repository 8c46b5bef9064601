"""Using the admin site in tests, as a browser would."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.text import plural
from inbound.tests.support.factories import UserFactory


def url(model: str, page: str, *args: object) -> str:
    return reverse(f"admin:{model.replace('.', '_')}_{page}", args=[quote(str(arg)) for arg in args])


def text(response: Any) -> str:
    """The page's content, with HTML entities decoded."""
    return unescape(response.content.decode())


def messages_on(response: Any) -> list[tuple[str, str]]:
    """The messages for the next page, as (level, text)."""
    return [(message.level_tag, unescape(str(message))) for message in get_messages(response.wsgi_request)]


def post(client: Client, path: str, **values: Any) -> tuple[Any, list[tuple[str, str]]]:
    """Post; returns the response and the messages that the next page shows."""
    response = client.post(path, values)
    messages = messages_on(response)
    if response.status_code == 302:
        # Show them, so that they do not appear again later.
        client.get(response["Location"])
    return response, messages


def plan_token(page: str) -> str:
    """The token of a delete confirmation page."""
    [found] = re.findall(r'name="plan" value="([^"]+)"', page)
    return str(found)


def asked_to_type(page: str) -> str:
    """What a delete confirmation page asks to type."""
    [found] = re.findall(r"Type <strong>(.*?)</strong> to confirm", page, re.DOTALL)
    return str(found)


def confirm(client: Client, path: str) -> tuple[Any, list[tuple[str, str]]]:
    """Open the confirmation page of one row, type what it asks for, and confirm."""
    page = text(client.get(path))
    plan = {"plan": plan_token(page)} if 'name="plan"' in page else {}
    return post(client, path, post="yes", typed=asked_to_type(page), **plan)


def delete_selected(client: Client, model: str, rows: list[Any]) -> tuple[Any, list[tuple[str, str]]]:
    """Confirm the deletion of selected rows, as the page asks it."""
    noun = str(rows[0]._meta.verbose_name)
    chosen = {"_selected_action": [row.pk for row in rows], "action": "delete_selected", "post": "yes"}
    return post(client, url(model, "changelist"), **chosen, typed=f"delete {plural(len(rows), noun)}")


def run_action(client: Client, model: str, action: str, rows: list[Any]) -> tuple[Any, list[tuple[str, str]]]:
    return post(client, url(model, "changelist"), action=action, _selected_action=[row.pk for row in rows], index="0")


def open_links(client: Client, path: str) -> set[str]:
    """Open a page and all its links into the admin. Returns the links. An unknown filter would redirect and fail.

    The history of a row is a redirect to its changes.
    """
    links = set(re.findall(r'href="(/admin/[^"?]+/(?:\?[^"]*)?)"', text(client.get(path))))
    for link in links - {path}:
        assert client.get(link, follow=link.endswith("/history/")).status_code == 200, link
    return links


def count_statements(client: Client, path: str) -> int:
    """Of the second request: the first may fill a cache of the process, such as that of content types."""
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def assert_constant_statements(client: Client, path: str, make: Callable[[], object]) -> None:
    """Assert that a list needs the same number of SQL statements for 3 rows and for 30. `make` creates a row."""
    for _ in range(3):
        make()
    few = count_statements(client, path)
    for _ in range(27):
        make()
    assert count_statements(client, path) == few


def staff(client: Client, *permissions: str) -> User:
    """Sign in a staff user who has only these permissions, such as `domains.view_domain`."""
    user: User = UserFactory(is_staff=True)
    for permission in permissions:
        app, _, codename = permission.partition(".")
        # The tables are empty after each test, permissions included: see conftest.py.
        model = ContentType.objects.get(app_label=app, model=codename.partition("_")[2])
        permission_row, _ = Permission.objects.get_or_create(content_type=model, codename=codename)
        user.user_permissions.add(permission_row)
    client.force_login(user)
    return user
