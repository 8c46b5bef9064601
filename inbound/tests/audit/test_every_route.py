"""Every route of the API that writes adds to the audit log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from rest_framework.test import APIClient

from archives.tests.format.reading.making import archive_of
from audit.models import Change
from domains.deletion.service import delete_domain
from domains.models import Domain, DomainAccess, DomainDeletion
from endpoints.models import Endpoint
from inbound.tests.api.routes import PARTS, ROUTES, path_of
from inbound.tests.support.factories import (
    BlockedEmailFactory,
    DeletedAddressFactory,
    DeliveryFactory,
    EmailAddressFactory,
    EndpointFactory,
    UserFactory,
)
from inbound.tests.support.prepared import verified_domain
from mail.models import Delivery, ReceivedEmail

# What these change is recorded, but they may change nothing.
CHECKS = {
    ("patch", "domains/<str:pk>/auth"): "asks SES and DNS; a change of the status is recorded",
    ("patch", "domains/<str:pk>"): "changes nothing while SES has a MAIL FROM domain; otherwise as POST auth",
    ("post", "mail/thread-counts"): "only reads",
}


@dataclass(frozen=True)
class Rows:
    domain: Domain
    endpoint: Endpoint
    address: Any
    blocked: Any
    delivery: Delivery
    email: ReceivedEmail
    # An account without access. The domain is shared with another one.
    other: User


def in_grace(rows: Rows) -> DomainDeletion:
    """The domain's deletion, in a grace period."""
    with override_settings(DOMAIN_DELETE_GRACE_DAYS=1):
        return delete_domain(domain=rows.domain, requested_by="somebody")


# The row, the body, and what the log has then: action and type.
WRITES: dict[tuple[str, str], tuple[Callable[[Rows], Any], Callable[[Rows], Any], list[tuple[str, str]]]] = {
    ("post", "domains"): (
        lambda rows: "",
        lambda rows: {"domain": "example.org"},
        [("added", "domains.domain"), ("changed", "domains.domain")],
    ),
    ("put", "domains/<str:pk>"): (
        lambda rows: rows.domain,
        lambda rows: {"isCatchAllEnabled": True, "catchAllEndpointId": rows.endpoint.pk},
        [("changed", "domains.domain")],
    ),
    ("post", "domains/<str:pk>/auth"): (
        lambda rows: rows.domain,
        lambda rows: {"mailFromDomain": "bounce"},
        [("changed", "domains.domain")],
    ),
    ("delete", "domains/<str:pk>"): (
        lambda rows: rows.domain,
        lambda rows: None,
        [("deleted", "domains.domain"), ("finished", "domains.domaindeletion")],
    ),
    ("post", "domains/<str:pk>/exports"): (
        lambda rows: rows.domain,
        lambda rows: {},
        [("exported", "domains.domain")],
    ),
    # A form with a file.
    ("post", "imports"): (
        lambda rows: "",
        lambda rows: {"file": SimpleUploadedFile("a.zip", archive_of("imported.example")), "withMail": "true"},
        [
            ("added", "domains.domain"),
            ("added", "endpoints.endpoint"),
            ("added", "addresses.emailaddress"),
            ("added", "addresses.emailaddress"),
            ("imported", "domains.domain"),
            ("imported", "domains.domain"),
            ("changed", "domains.domain"),
        ],
    ),
    ("post", "domains/<str:pk>/shares"): (
        lambda rows: rows.domain,
        lambda rows: {"user": rows.other.username, "role": "viewer"},
        [("added", "domains.domainaccess")],
    ),
    ("put", "domains/<str:pk>/shares/<str:user>"): (
        lambda rows: rows.domain,
        lambda rows: {"role": "manager"},
        [("changed", "domains.domainaccess")],
    ),
    ("delete", "domains/<str:pk>/shares/<str:user>"): (
        lambda rows: rows.domain,
        lambda rows: None,
        [("deleted", "domains.domainaccess")],
    ),
    ("post", "deletions/<str:pk>/restore"): (
        lambda rows: in_grace(rows),
        lambda rows: {},
        [("restored", "domains.domain")],
    ),
    ("post", "email-addresses"): (
        lambda rows: "",
        lambda rows: {"address": "new@example.com", "domainId": rows.domain.pk},
        [("added", "addresses.emailaddress")],
    ),
    ("put", "email-addresses/<str:pk>"): (
        lambda rows: rows.address,
        lambda rows: {"isActive": False},
        [("changed", "addresses.emailaddress")],
    ),
    ("delete", "email-addresses/<str:pk>"): (
        lambda rows: rows.address,
        lambda rows: None,
        [("deleted", "addresses.emailaddress")],
    ),
    ("post", "email-addresses/bulk-delete"): (
        lambda rows: "",
        lambda rows: {"ids": [rows.address.pk]},
        [("deleted", "addresses.emailaddress")],
    ),
    ("post", "deleted-addresses/<str:pk>/restore"): (
        lambda rows: DeletedAddressFactory(domain=rows.domain),
        lambda rows: None,
        [("restored", "addresses.emailaddress")],
    ),
    ("delete", "deleted-addresses/<str:pk>"): (
        lambda rows: DeletedAddressFactory(domain=rows.domain),
        lambda rows: None,
        [("lifted", "addresses.deletedaddress")],
    ),
    ("post", "blocked-emails"): (
        lambda rows: "",
        lambda rows: {"emailAddress": "spam@example.com"},
        [("added", "addresses.blockedemail")],
    ),
    ("delete", "blocked-emails/<str:pk>"): (
        lambda rows: rows.blocked,
        lambda rows: None,
        [("deleted", "addresses.blockedemail")],
    ),
    ("post", "endpoints"): (
        lambda rows: "",
        lambda rows: {"name": "Jo", "type": "email", "config": {"forwardTo": "jo@example.net"}},
        [("added", "endpoints.endpoint")],
    ),
    ("put", "endpoints/<str:pk>"): (
        lambda rows: rows.endpoint,
        lambda rows: {"name": "Other"},
        [("changed", "endpoints.endpoint")],
    ),
    ("delete", "endpoints/<str:pk>"): (
        lambda rows: rows.endpoint,
        lambda rows: None,
        [("deleted", "endpoints.endpoint"), ("changed", "addresses.emailaddress")],
    ),
    ("post", "endpoints/<str:pk>/rotate-secret"): (
        lambda rows: rows.endpoint,
        lambda rows: {},
        [("rotated", "endpoints.endpoint")],
    ),
    ("post", "endpoints/<str:pk>/test"): (
        lambda rows: rows.endpoint,
        lambda rows: {},
        [("tested", "endpoints.endpoint")],
    ),
    ("post", "endpoints/<str:pk>/redeliver"): (
        lambda rows: rows.endpoint,
        lambda rows: {"status": "failed"},
        [("retried", "endpoints.endpoint")],
    ),
    ("post", "mail/bulk"): (
        lambda rows: "",
        lambda rows: {"emailIds": [rows.email.pk], "updates": {"isRead": True}},
        [("changed", "mail.receivedemail")],
    ),
    ("patch", "mail/<str:pk>"): (
        lambda rows: rows.email,
        lambda rows: {"isArchived": True},
        [("changed", "mail.receivedemail")],
    ),
    ("delete", "mail/<str:pk>"): (
        lambda rows: rows.email,
        lambda rows: None,
        [("deleted", "mail.receivedemail")],
    ),
    ("post", "mail/<str:pk>/retry"): (
        lambda rows: rows.email,
        lambda rows: {},
        [("retried", "mail.delivery")],
    ),
}


@pytest.fixture
def rows(ses, user) -> Rows:
    domain = verified_domain(ses, user, "example.com")
    endpoint = EndpointFactory(owner=user, config={"url": "http://127.0.0.1:9/hook", "timeout": 1})
    address = EmailAddressFactory(domain=domain, address="info@example.com", endpoint=endpoint)
    delivery = DeliveryFactory(
        received__message__domain=domain, endpoint=endpoint, state=Delivery.State.DEAD, retry_at=None
    )
    blocked = BlockedEmailFactory(domain=domain, email_address="bad@example.com")
    DomainAccess.objects.create(domain=domain, user=UserFactory(pk=int(PARTS["user"])), role="viewer")
    return Rows(domain, endpoint, address, blocked, delivery, delivery.received, UserFactory())


def test_every_writing_route_is_here():
    writing = {
        (method, route)
        for route, view in ROUTES.items()
        for method in view.actions
        if method not in ("get", "head", "options")
    }
    assert writing == {*WRITES, *CHECKS}


@pytest.mark.parametrize(("method", "route"), WRITES)
def test_a_write_is_recorded_with_its_author(method, route, api: APIClient, user, rows):
    row, body, expected = WRITES[method, route]
    if route in ("blocked-emails", "email-addresses"):
        Domain.objects.filter(pk=rows.domain.pk).update(
            is_catch_all_enabled=route == "blocked-emails", catch_all_endpoint=rows.endpoint
        )
    pk = getattr(row(rows), "pk", "")
    last = Change.objects.latest("pk").pk
    form = "multipart" if ROUTES[route].actions[method] in ROUTES[route].cls.uploading else "json"
    headers = {"x-request-id": "this-one"}
    answer = getattr(api, method)(path_of(route, pk), body(rows), format=form, headers=headers)
    assert answer.status_code in (200, 201, 202), answer.content
    changes = list(Change.objects.filter(pk__gt=last).order_by("pk"))
    assert [(change.action, change.object_type) for change in changes] == expected
    for change in changes:
        assert (change.door, change.who, change.request_id, change.owner) == ("api", user.username, "this-one", user)
        assert change.key.startswith("inb_")
        assert change.key.endswith(" test")
        assert change.remote == "127.0.0.1"
        assert change.object_name


def test_reading_adds_nothing(api, rows):
    last = Change.objects.latest("pk").pk
    for route in ROUTES:
        api.get(path_of(route, rows.domain.pk))
    assert Change.objects.latest("pk").pk == last


def test_a_refused_write_adds_nothing(api, rows):
    last = Change.objects.latest("pk").pk
    assert (
        api.post("/api/v2/email-addresses", {"address": "info@example.com", "domainId": rows.domain.pk}).status_code
        == 409
    )
    assert api.put(f"/api/v2/endpoints/{rows.endpoint.pk}", {"name": rows.endpoint.name}).status_code == 200
    assert Change.objects.latest("pk").pk == last


def test_no_secret_is_in_the_log(api, rows):
    config = {
        "url": "https://hooks.example.net/?token=s3cret",
        "headers": {"X-Auth": "v3ry"},
        "secret": "wh0-knows-it-all",
    }
    path = f"/api/v2/endpoints/{rows.endpoint.pk}"
    assert api.put(path, {"config": config}).status_code == 200
    assert api.put(path, {"config": config | {"headers": {"X-Auth": "0ther"}}}).status_code == 200
    assert api.post(f"{path}/rotate-secret", {"secret": "whsec_" + "bmV3IHNlY3JldCBmb3IgdGVzdHM="}).status_code == 200
    before = Change.objects.filter(object_type="endpoints.endpoint").order_by("-pk")[1]
    assert before.after == {"secrets": "changed"}
    log = str(list(Change.objects.values_list("before", "after", "object_name", "key")))
    for secret in ("s3cret", "v3ry", "0ther", "wh0-knows", "bmV3IHNl"):
        assert secret not in log
