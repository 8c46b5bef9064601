"""Every path and method, for every role: exactly what the role allows, and nothing else of the owner."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from archives.models import Export, Import
from audit.models import Change
from domains.models import DomainAccess, DomainDeletion
from domains.sharing.service import share, unshare
from inbound.tests.access.rows import everything
from inbound.tests.access.table import CASES, LEAVING, NAME, ROLES, Case
from inbound.tests.api.routes import PARTS, ROUTES, path_of
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DeletedAddressFactory,
    DeliveryFactory,
    DnsRecordFactory,
    DomainFactory,
    EmailAddressFactory,
    EndpointFactory,
    UserFactory,
)
from mail.models import Message, MessageReference
from mail.tests.inbox import ATTACHMENTS, RAW, stored

# What no answer to anybody but the owner contains: another domain, and how endpoints are configured and answer.
SECRETS = ("private.example.net", "configured.example.net", "receiver said", "plan_of_the_owner")


@pytest.fixture
def world(ses) -> dict[str, Any]:
    """One row of each kind, whose id is the first part of its path, and an account for each role."""
    users = {role: UserFactory(username=f"{role}-of-it" if role != "stranger" else role) for role in ROLES}
    owner = users["owner"]
    url = "https://configured.example.net/hook"
    endpoint = EndpointFactory(
        pk="endpoints", owner=owner, name="the-owners-endpoint", config={"url": url, "timeout": 1}
    )
    domain = DomainFactory(pk="domains", owner=owner, name=NAME, is_catch_all_enabled=True, catch_all_endpoint=endpoint)
    unseen = DomainFactory(owner=owner, name="private.example.net")
    EmailAddressFactory(pk="email-addresses", domain=domain, endpoint=endpoint)
    DeletedAddressFactory(pk="deleted-addresses", domain=domain)
    BlockedEmailFactory(pk="blocked-emails", domain=domain)
    DnsRecordFactory(pk="dns-records", domain=domain)
    Export.objects.create(pk="exports", domain=domain, domain_name=NAME, account=owner, bucket="b", state="ready")
    Import.objects.create(pk="imports", domain=domain, domain_name=NAME, account=owner)
    report = DomainDeletion.objects.create(
        pk="deletions", domain_id="indm_gone", name=f"gone.{NAME}", owner=owner, plan_token="plan_of_the_owner"
    )
    report.readers.set([users["manager"], users["viewer"]])
    for pk in ("mail", "attachments"):
        email = stored(domain, RAW, pk=pk, attachments=ATTACHMENTS)
        DeliveryFactory(
            received=email,
            endpoint=endpoint,
            state="dead",
            problem="receiver said no",
            response={"error": "receiver said"},
        )
    # A thread of both, and of a mail that is not shared.
    other = stored(unseen, RAW, attachments=ATTACHMENTS)
    for message in Message.objects.all():
        MessageReference.objects.create(message=message, digest="same", is_own=False)
    for role in ("manager", "viewer", "former"):
        share(domain=domain, user=users[role], role="viewer" if role == "former" else role)
    DomainAccess.objects.create(domain=domain, user=UserFactory(pk=int(PARTS["user"])), role="viewer")
    unshare(DomainAccess.objects.filter(user=users["former"]))
    assert other.owner == owner
    return users


def said_by(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()


def test_every_route_is_in_the_table():
    assert set(CASES) == {
        (method, route)
        for route, view in ROUTES.items()
        for method in view.actions
        if method not in ("head", "options")
    }


def _in_one_world(method: str, case: Case) -> list[tuple[str, ...]]:
    """The roles, from the one that may least, in groups of which only the last one changes something: they share a world."""
    groups: list[list[str]] = [[]]
    for role, status in zip(reversed(ROLES), reversed(case.statuses), strict=True):
        groups[-1].append(role)
        if method != "get" and status < 400:
            groups.append([])
    return [tuple(group) for group in groups if group]


@pytest.mark.parametrize(
    ("method", "route", "roles"),
    [(*key, roles) for key, case in CASES.items() for roles in _in_one_world(key[0], case)],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value,
)
def test_a_role_may_do_what_the_table_says(method, route, roles, world, client_for, subtests):
    for role in roles:
        with subtests.test(role=role):
            _may_do_what_the_table_says(method, route, role, world, client_for(world[role]))


def _may_do_what_the_table_says(method: str, route: str, role: str, world: dict[str, Any], client: APIClient) -> None:
    case = CASES[method, route]
    before, changes = everything(), Change.objects.count()
    answer = getattr(client, method)(path_of(route), case.body)
    said = said_by(answer)
    place = ROLES.index(role)
    assert answer.status_code == case.statuses[place], said
    if answer.status_code < 400:
        mark = case.owner_mark if role == "owner" and case.owner_mark else case.mark
        told = mark.replace(" ", "") in said.replace(" ", "")
        assert told == (place < case.sees), said
    if role != "owner":
        assert not [secret for secret in SECRETS if secret in said]
    if answer.status_code == 403:
        assert "shared with you" in answer.json()["error"]
    # With an answer of 200 that names what was refused, as well.
    did_nothing = answer.status_code >= 400 or 0 < case.sees <= place
    if did_nothing or (method == "get" and role != "owner" and role != "manager"):
        assert everything() == before
        assert Change.objects.count() == changes
    elif role == "manager" and method in ("put", "delete", "patch") and (case.statuses[1:3] == (200, 403)):
        change = Change.objects.latest("pk")
        assert (change.who, change.via) == ("manager-of-it", "role manager")
        assert change.owner == world["owner"]


def test_a_role_may_leave_as_the_table_says(world, client_for):
    access = set(DomainAccess.objects.values_list("user", flat=True))
    for role, status in zip(ROLES, LEAVING.statuses, strict=True):
        answer = client_for(world[role]).delete(f"/api/v2/domains/domains/shares/{world[role].pk}")
        assert answer.status_code == status, role
        access -= {world[role].pk} if status == 200 else set()
        assert set(DomainAccess.objects.values_list("user", flat=True)) == access


def test_a_switched_off_account_is_nobody(world, client_for):
    for role in ROLES[1:]:
        client = client_for(world[role])
        world[role].is_active = False
        world[role].save()
        assert client.get("/api/v2/domains").status_code == 401, role
