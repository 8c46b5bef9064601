"""The JSON in docs/api has the fields that the API really takes and answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domains.deletion.proof import prove_deletions
from domains.tests.dns_server import dns_fixture  # noqa: F401
from inbound.tests.docs.pages import PAGES, page
from inbound.tests.support.factories import DeliveryFactory, DomainFactory, UserFactory
from mail.models import DeliveryAttempt
from mail.tests.inbox import received

CALLS, DELETION, PLANS = (page(f"docs/api/{name}.md") for name in ("calls", "deletion", "plans"))


@pytest.mark.parametrize("source", PAGES, ids=lambda source: source.path.stem)
def test_every_example_is_json(source):
    for block in source.blocks("json"):
        json.loads(block)


def _example(source: Any, section: str, number: int = 0) -> Any:
    return json.loads(source.blocks("json", section)[number])


def _assert_same_fields(shown: Any, real: Any, path: str = "") -> None:
    """Compare fields and their order. Values are examples; where either side is empty or null there is nothing to compare."""
    if isinstance(shown, dict) and isinstance(real, dict):
        assert list(shown) == list(real), path
        for name in shown:
            _assert_same_fields(shown[name], real[name], f"{path}.{name}")
    elif isinstance(shown, list) and isinstance(real, list):
        for number, (left, right) in enumerate(zip(shown, real, strict=False)):
            _assert_same_fields(left, right, f"{path}[{number}]")
    elif shown is not None and real is not None:
        assert isinstance(real, type(shown)), path


@pytest.fixture
def call(api, ses):
    """`call(method, path, body)` returns the answer's JSON."""

    def make(method: str, path: str, body: Any = None) -> Any:
        answer = getattr(api, method)(f"/api/v2{path}", body)
        assert answer.status_code in (200, 201), answer.content
        return answer.json()

    return make


@pytest.fixture
def domain(call):
    shown = _example(CALLS, "Domains", 1)
    domain = call("post", "/domains", _example(CALLS, "Domains", 0))
    _assert_same_fields(shown, domain)
    return domain


@pytest.fixture
def endpoint(call, dns):
    # Otherwise a warning says that the name does not exist.
    dns.publish("crm.example.net", "A", "8.8.8.8")
    endpoint = call("post", "/endpoints", _example(CALLS, "Endpoints", 0))
    _assert_same_fields(_example(CALLS, "Endpoints", 1), endpoint)
    return endpoint


@pytest.fixture
def address(call, domain, endpoint):
    body = _example(CALLS, "Email addresses", 0) | {"domainId": domain["id"], "endpointId": endpoint["id"]}
    address = call("post", "/email-addresses", body)
    _assert_same_fields(_example(CALLS, "Email addresses", 1), address)
    return address


def test_examples_of_shares_have_the_real_fields(call, domain):
    shares = page("docs/api/shares.md")
    UserFactory(username="jo")
    path = f"/domains/{domain['id']}/shares"
    share = call("post", path, _example(shares, "Calls", 0))
    _assert_same_fields(_example(shares, "Calls", 1), share)
    _assert_same_fields(_example(shares, "Calls", 2), call("delete", f"{path}/{share['userId']}"))


def test_examples_of_reading_have_the_real_fields(call, domain, address):
    _assert_same_fields(_example(CALLS, "DNS records"), call("get", f"/domains/{domain['id']}/dns-records"))
    _assert_same_fields(_example(CALLS, "SES status"), call("get", "/ses/status"))
    _assert_same_fields(_example(page("docs/api/README.md"), "Lists"), call("get", "/email-addresses"))


def test_examples_of_plans_have_the_real_fields(call, domain, address):
    plan = call("get", f"/email-addresses/{address['id']}/deletion-plan")
    _assert_same_fields(_example(PLANS, "The plan of an address"), plan)
    plan = call("get", f"/domains/{domain['id']}/deletion-plan")
    _assert_same_fields(_example(PLANS, "The plan of a domain"), plan)


def test_examples_of_catch_all_and_blocked_emails_have_the_real_fields(call, domain, endpoint):
    body = _example(CALLS, "Catch-all", 0) | {"catchAllEndpointId": endpoint["id"]}
    _assert_same_fields(_example(CALLS, "Catch-all", 1), call("put", f"/domains/{domain['id']}", body))
    blocked = call("post", "/blocked-emails", _example(CALLS, "Blocked emails", 0))
    _assert_same_fields(_example(CALLS, "Blocked emails", 1), blocked)


def test_examples_of_address_deletions_have_the_real_fields(call, address, settings):
    other = call("post", "/email-addresses", {"address": "info@example.org", "domainId": address["domainId"]})
    bulk = call("post", "/email-addresses/bulk-delete", {"ids": [other["id"], "unknown"]})
    _assert_same_fields(_example(CALLS, "Bulk deletion", 1), bulk)
    settings.SES_REQUEST_BUDGET = 0
    late = call("post", "/email-addresses", {"address": "late@example.org", "domainId": address["domainId"]})
    pending = call("delete", f"/email-addresses/{late['id']}")
    _assert_same_fields(_example(DELETION, "Deleting an address", 1), pending)
    settings.SES_REQUEST_BUDGET = 60
    _assert_same_fields(
        _example(DELETION, "Deleting an address", 0), call("delete", f"/email-addresses/{address['id']}")
    )


def test_examples_of_endpoint_and_domain_deletions_have_the_real_fields(call, domain, endpoint):
    gone = call("delete", f"/endpoints/{endpoint['id']}")
    _assert_same_fields(_example(CALLS, "Endpoints", -1), gone)
    deleted = call("delete", f"/domains/{domain['id']}")
    _assert_same_fields(_example(DELETION, "Deleting a domain"), deleted)
    prove_deletions()
    _assert_same_fields(_example(DELETION, "The report"), call("get", f"/deletions/{deleted['deletionId']}"))


def test_examples_of_received_mail_have_the_real_fields(call, user):
    email = received(DomainFactory(owner=user, name="example.org"))
    delivery = DeliveryFactory(received=email)
    DeliveryAttempt.objects.create(delivery=delivery, number=1)
    pk = email.pk
    _assert_same_fields(_example(CALLS, "Received mail", 0), call("get", "/mail"))
    body = _example(CALLS, "Received mail", 1) | {"emailIds": [pk]}
    _assert_same_fields(_example(CALLS, "Received mail", 2), call("post", "/mail/bulk", body))
    _assert_same_fields(_example(CALLS, "Received mail", 4), call("post", "/mail/thread-counts", {"emailIds": [pk]}))
    _assert_same_fields(_example(CALLS, "Received mail", 7), call("get", "/mail/stats"))
    _assert_same_fields(_example(CALLS, "Deliveries", 0), call("get", f"/mail/{pk}/deliveries"))
    _assert_same_fields(_example(CALLS, "Deliveries", 1), call("post", f"/mail/{pk}/retry"))
