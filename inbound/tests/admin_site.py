"""Looking at the admin as a browser does."""

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

from inbound.tests.factories import UserFactory


def url(model: str, page: str, *args: object) -> str:
    return reverse(f"admin:{model.replace('.', '_')}_{page}", args=[quote(str(arg)) for arg in args])


def text(response: Any) -> str:
    """The page as it is read."""
    return unescape(response.content.decode())


def messages_on(response: Any) -> list[tuple[str, str]]:
    """The messages on the page that a redirect led to, with their levels."""
    return [(message.level_tag, unescape(str(message))) for message in get_messages(response.wsgi_request)]


def post(client: Client, path: str, **values: Any) -> tuple[Any, list[tuple[str, str]]]:
    """Post, and collect the messages that the next page shows."""
    response = client.post(path, values)
    messages = messages_on(response)
    if response.status_code == 302:
        # Shown once, so they are not in the way of the next ones.
        client.get(response["Location"])
    return response, messages


def plan_token(page: str) -> str:
    """Of the page that asks before it deletes one row."""
    [found] = re.findall(r'name="plan" value="([^"]+)"', page)
    return str(found)


def confirm(client: Client, path: str) -> tuple[Any, list[tuple[str, str]]]:
    """Look at the page that asks, and say yes."""
    return post(client, path, post="yes", plan=plan_token(text(client.get(path))))


def delete_selected(client: Client, model: str, rows: list[Any]) -> tuple[Any, list[tuple[str, str]]]:
    """What the page that asks posts."""
    chosen = {"_selected_action": [row.pk for row in rows], "action": "delete_selected", "post": "yes"}
    return post(client, url(model, "changelist"), **chosen)


def run_action(client: Client, model: str, action: str, rows: list[Any]) -> tuple[Any, list[tuple[str, str]]]:
    return post(client, url(model, "changelist"), action=action, _selected_action=[row.pk for row in rows], index="0")


def open_links(client: Client, path: str) -> set[str]:
    """Open a page and everything that it links to in the admin; a filter that Django does not know would redirect."""
    links = set(re.findall(r'href="(/admin/[^"?]+/(?:\?[^"]*)?)"', text(client.get(path))))
    for link in links - {path}:
        assert client.get(link).status_code == 200, link
    return links


def count_statements(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def assert_constant_statements(client: Client, path: str, make: Callable[[], object]) -> None:
    """A list costs the same number of statements however many rows are on it."""
    for _ in range(3):
        make()
    few = count_statements(client, path)
    for _ in range(27):
        make()
    assert count_statements(client, path) == few


def staff(client: Client, *permissions: str) -> User:
    """Sign in somebody who may do no more than `permissions`, such as `domains.view_domain`."""
    user: User = UserFactory(is_staff=True)
    for permission in permissions:
        app, _, codename = permission.partition(".")
        # Emptying the tables after each test leaves none: see conftest.py.
        model = ContentType.objects.get(app_label=app, model=codename.partition("_")[2])
        permission_row, _ = Permission.objects.get_or_create(content_type=model, codename=codename)
        user.user_permissions.add(permission_row)
    client.force_login(user)
    return user
