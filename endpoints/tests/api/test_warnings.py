"""What is refused or warned about because of DNS, networks, and the owner's domains and routes."""

from __future__ import annotations

import pytest
from django.db import connection

from domains.models import Domain
from endpoints.changes import forwards
from endpoints.models import Endpoint
from endpoints.webhooks.target import PLAIN
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory, EndpointFactory, UserFactory

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("ses")]


@pytest.fixture
def create(api):
    def post(kind, config):
        return api.post("/api/v2/endpoints", {"name": "Main", "type": kind, "config": config})

    return post


@pytest.fixture
def forwarder(user):
    return EndpointFactory.create(owner=user, type="email", config={"forwardTo": "jo@example.net"})


@pytest.fixture
def forward(api, forwarder):
    return lambda **config: api.put(f"/api/v2/endpoints/{forwarder.pk}", {"config": config})


def refusal(answer):
    assert answer.status_code == 400
    assert answer.json()["error"] == "Invalid configuration"
    return answer.json()["details"]


def test_a_forbidden_network_is_refused_with_a_sentence(create, api, user, dns):
    dns.publish("hooks.example.com", "A", "10.0.0.1")
    said = "10.0.0.1 is not a public address. The operator can allow its network with WEBHOOK_ALLOWED_NETWORKS."
    assert refusal(create("webhook", {"url": "http://10.0.0.1/"})) == said
    named = {"url": "https://hooks.example.com/"}
    assert refusal(create("webhook", named)) == f"hooks.example.com leads to a refused address: {said}"
    endpoint = EndpointFactory.create(owner=user)
    refusal(api.put(f"/api/v2/endpoints/{endpoint.pk}", {"config": named}))
    assert Endpoint.objects.get().config == endpoint.config


def test_an_allowed_network_and_plain_http_are_accepted_with_a_warning(create, settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = ["10.0.0.0/8"]
    answer = create("webhook", {"url": "http://10.0.0.1/"})
    assert (answer.status_code, answer.json()["warning"]) == (201, PLAIN)
    assert "warning" not in create("webhook", {"url": "https://10.0.0.1/"}).json()
    settings.WEBHOOK_REQUIRE_HTTPS = True
    assert refusal(create("webhook", {"url": "http://10.0.0.1/"})) == "Webhook URL must begin with https://"


def test_dns_is_not_asked_inside_a_transaction(create, api, dns):
    inside = []
    dns.distorts("hooks.example.com", lambda response: inside.append(connection.in_atomic_block) or response)
    made = create("webhook", {"url": "https://hooks.example.com/"}).json()
    api.put(f"/api/v2/endpoints/{made['id']}", {"config": {"url": "https://hooks.example.com/"}})
    assert len(inside) == 4
    assert not any(inside)


def test_a_change_without_a_config_does_not_ask_dns(api, user, dns):
    api.put(f"/api/v2/endpoints/{EndpointFactory.create(owner=user).pk}", {"name": "Other", "isActive": False})
    assert dns.asked == []


@pytest.mark.parametrize("sender", ["a@example.com", "A@EXAMPLE.com.", "Jo <jo+x@example.com>", "", None])
def test_mail_may_be_sent_from_an_own_verified_domain(create, user, sender):
    DomainFactory.create(owner=user, name="example.com")
    config = {"forwardTo": "jo@example.net", "fromAddress": sender}
    assert create("email", config).status_code == 201
    assert create("email_group", {"emails": ["jo@example.net"], "fromAddress": sender}).status_code == 201


@pytest.mark.parametrize(
    "sender",
    [
        "a@example.org",
        "a@sub.example.com",
        "a@pending.com",
        "a@gone.com",
        "nobody",
        "a@",
        "ü@a.b",
        pytest.param("(" * 9000, id="brackets"),
    ],
)
def test_mail_may_not_be_sent_from_any_other(create, forward, user, sender):
    DomainFactory.create(owner=user, name="example.com")
    DomainFactory.create(owner=UserFactory.create(), name="example.org")
    DomainFactory.create(owner=user, name="pending.com", status=Domain.Status.PENDING)
    DomainFactory.create(owner=user, name="gone.com", deleting_since="2026-01-01T00:00:00Z")
    config = {"forwardTo": "jo@example.net", "fromAddress": sender}
    assert refusal(create("email", config)) == refusal(forward(**config)) == forwards.NOT_YOURS
    assert refusal(create("email_group", {"emails": ["jo@example.net"], "fromAddress": sender})) == forwards.NOT_YOURS


def test_forwarding_to_an_own_domain_is_accepted_with_a_warning(create, forward, user):
    EmailAddressFactory.create(domain=DomainFactory.create(owner=user, name="example.com"), address="a@example.com")
    for answer in (create("email", {"forwardTo": "A@Example.com"}), forward(forwardTo="a@example.com")):
        assert answer.status_code in (200, 201)
        assert answer.json()["warning"] == forwards.RECEIVED_AGAIN.format("a@example.com")
    group = create("email_group", {"emails": ["jo@example.net", "a@example.com", "b@example.com"]}).json()
    assert group["warning"].count("own domain") == 2


def test_forwarding_to_another_users_domain_says_nothing(create):
    EmailAddressFactory.create(domain=DomainFactory.create(name="example.com"), address="a@example.com")
    assert "warning" not in create("email", {"forwardTo": "a@example.com"}).json()


@pytest.mark.parametrize("member", ["a@example.com", "A+label@Example.com."])
def test_an_address_that_is_routed_to_the_endpoint_is_refused(forward, forwarder, user, member):
    domain = DomainFactory.create(owner=user, name="example.com")
    EmailAddressFactory.create(domain=domain, address="a@example.com", endpoint=forwarder)
    assert refusal(forward(forwardTo=member)).endswith(
        "is routed to this endpoint, so its mail would come back forever"
    )
    assert forward(forwardTo="b@example.com").status_code == 200


def test_an_address_that_the_endpoint_gets_from_the_catch_all_is_refused(api, user):
    group = EndpointFactory.create(owner=user, type="email_group", config={"emails": ["jo@example.net"]})
    domain = DomainFactory.create(owner=user, name="example.com", is_catch_all_enabled=True, catch_all_endpoint=group)
    EmailAddressFactory.create(domain=domain, address="a@example.com")
    url = f"/api/v2/endpoints/{group.pk}"
    refused = api.put(url, {"config": {"emails": ["jo@example.net", "x@example.com"]}})
    assert refusal(refused) == "x@example.com is routed to this endpoint, so its mail would come back forever"
    assert api.put(url, {"config": {"emails": ["a@example.com", "a+x@example.com"]}}).status_code == 200
