"""The table: what each path and method answers to an owner, a manager, a viewer, a former viewer and a stranger.

A route that is missing here fails `test_roles.py`. Add it with what its rows are and a valid body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ROLES = ("owner", "manager", "viewer", "former", "stranger")
NAME = "shared.example.com"


@dataclass(frozen=True)
class Case:
    """`statuses`: in the order of ROLES. `sees`: of a list, who sees something of the owner, as a number of roles from the left."""

    statuses: tuple[int, int, int, int, int]
    body: Any = None
    sees: int = 5
    # What an answer with something of the owner contains.
    mark: str = NAME
    # The same for the owner, if it differs: they also have a mail of another domain.
    owner_mark: str = ""


def read(**more: Any) -> Case:
    """Of what a viewer may read."""
    return Case((200, 200, 200, 404, 404), **more)


def managed(body: Any = None, status: int = 200, **more: Any) -> Case:
    """Of what a manager may do."""
    return Case((status, status, 403, 404, 404), body, **more)


def owners(body: Any = None, status: int = 200, **more: Any) -> Case:
    """Of a row of the domain, what only its owner may do."""
    return Case((status, 403, 403, 404, 404), body, **more)


def private(body: Any = None, status: int = 200, **more: Any) -> Case:
    """Of rows that are not shared, such as endpoints."""
    return Case((status, 404, 404, 404, 404), body, **more)


def everybodys(body: Any = None, status: int = 200, sees: int = 3, **more: Any) -> Case:
    """Of lists, and of what everybody may do for themselves."""
    return Case((status,) * 5, body, sees=sees, **more)


HOOK = {"name": "Hook", "type": "webhook", "config": {"url": "https://hooks.example.org/mine"}}

CASES: dict[tuple[str, str], Case] = {
    ("get", "domains"): everybodys(),
    ("post", "domains"): everybodys({"domain": "another.example.org"}, 201, sees=0),
    ("get", "domains/<str:pk>"): read(),
    ("put", "domains/<str:pk>"): managed({"isCatchAllEnabled": False}),
    ("patch", "domains/<str:pk>"): owners({}),
    ("delete", "domains/<str:pk>"): owners(),
    ("post", "domains/<str:pk>/auth"): owners({}, 201),
    ("patch", "domains/<str:pk>/auth"): read(body={}),
    ("get", "domains/<str:pk>/deletion-plan"): owners(),
    ("get", "domains/<str:pk>/dns-records"): read(),
    ("get", "domains/<str:pk>/status-history"): read(),
    ("get", "domains/<str:pk>/shares"): owners(mark="manager-of-it"),
    ("post", "domains/<str:pk>/shares"): owners({"user": "stranger", "role": "viewer"}, 201, mark="stranger"),
    ("put", "domains/<str:pk>/shares/<str:user>"): owners({"role": "manager"}, mark="manager"),
    ("delete", "domains/<str:pk>/shares/<str:user>"): owners(),
    ("post", "domains/<str:pk>/exports"): Case((202, 202, 202, 404, 404), {}),
    # Each account has exports of its own.
    ("get", "exports"): everybodys(sees=1),
    ("get", "exports/<str:pk>"): private(),
    # A form with a file (archives/tests/api/test_imports.py).
    ("post", "imports"): everybodys({}, 415, sees=0),
    ("get", "imports"): everybodys(sees=1),
    ("get", "imports/<str:pk>"): private(),
    ("get", "deletions"): everybodys(),
    ("get", "deletions/<str:pk>"): read(),
    # This one has no grace period (domains/tests/grace/test_restore.py).
    ("post", "deletions/<str:pk>/restore"): Case((409, 403, 403, 404, 404)),
    ("get", "dns-records"): everybodys(),
    ("get", "dns-records/<str:pk>"): read(),
    ("get", "email-addresses"): everybodys(),
    ("post", "email-addresses"): managed(
        {"address": f"new@{NAME}", "domainId": "domains", "endpointId": "endpoints"}, 201
    ),
    ("post", "email-addresses/bulk-delete"): Case(
        (200, 200, 200, 200, 200), {"ids": ["email-addresses"]}, sees=2, mark='"deleted":true'
    ),
    ("get", "email-addresses/<str:pk>"): read(),
    ("put", "email-addresses/<str:pk>"): managed({"endpointId": "endpoints", "isActive": False}),
    ("delete", "email-addresses/<str:pk>"): managed(),
    ("get", "email-addresses/<str:pk>/deletion-plan"): managed(),
    ("get", "deleted-addresses"): everybodys(),
    ("get", "deleted-addresses/<str:pk>"): read(),
    ("delete", "deleted-addresses/<str:pk>"): managed(),
    ("post", "deleted-addresses/<str:pk>/restore"): managed(),
    ("get", "blocked-emails"): everybodys(),
    ("post", "blocked-emails"): managed({"emailAddress": f"spam@{NAME}"}, 201),
    ("get", "blocked-emails/<str:pk>"): read(),
    ("delete", "blocked-emails/<str:pk>"): managed(),
    ("get", "endpoints"): everybodys(sees=1, mark="the-owners-endpoint"),
    ("post", "endpoints"): everybodys(HOOK, 201, sees=0),
    ("get", "endpoints/<str:pk>"): private(mark="the-owners-endpoint"),
    ("put", "endpoints/<str:pk>"): private({"description": "Other"}, mark="the-owners-endpoint"),
    ("delete", "endpoints/<str:pk>"): private(),
    ("post", "endpoints/<str:pk>/rotate-secret"): private({}, mark="signingSecret"),
    ("post", "endpoints/<str:pk>/test"): private({}, mark="success"),
    ("get", "endpoints/<str:pk>/deliveries"): private(mark="deliveryType"),
    ("post", "endpoints/<str:pk>/redeliver"): private({"status": "failed"}, 202, mark="queued"),
    ("get", "mail"): everybodys(),
    ("post", "mail/bulk"): Case(
        (200, 200, 403, 200, 200), {"emailIds": ["mail"], "updates": {"isRead": True}}, sees=2, mark='"id":"mail"'
    ),
    ("get", "mail/stats"): everybodys(mark='"received":2', owner_mark='"received":3'),
    ("post", "mail/thread-counts"): everybodys(
        {"emailIds": ["mail"]}, mark='"threadCount":2', owner_mark='"threadCount":3'
    ),
    ("get", "mail/<str:pk>"): read(),
    ("patch", "mail/<str:pk>"): managed({"isArchived": True}, mark="isArchived"),
    ("delete", "mail/<str:pk>"): owners(mark="success"),
    ("get", "mail/<str:pk>/attachments"): read(mark="a.txt"),
    ("get", "mail/<str:pk>/attachments/<str:index>"): read(mark="An attachment"),
    ("get", "mail/<str:pk>/deliveries"): read(mark="deliveryType"),
    ("get", "mail/<str:pk>/raw"): read(mark="Subject:"),
    ("post", "mail/<str:pk>/retry"): managed({}, mark="success"),
    ("get", "mail/<str:pk>/thread"): read(mark='"totalCount":2', owner_mark='"totalCount":3'),
    ("get", "attachments/<str:pk>/<path:filename>"): read(mark="An attachment"),
    ("get", "audit-log"): everybodys(sees=1),
    ("get", "ses/status"): everybodys(),
}

# `DELETE domains/<str:pk>/shares/<str:user>` with the caller's own account.
LEAVING = Case((404, 200, 200, 404, 404))
