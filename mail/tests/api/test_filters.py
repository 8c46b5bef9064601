"""The filters of GET /mail that search in mail: `search`, `emailAddress` and `emailId`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from inbound.tests.support.factories import DomainFactory
from mail.models import ReceivedEmail
from mail.tests.inbox import URL, person, received

pytestmark = pytest.mark.sqlite


def found(api, query: dict[str, str]) -> list[str]:
    answer = api.get(URL, query).json()
    assert answer["pagination"]["total"] == len(answer["emails"])
    assert answer["filters"]["hiddenOlder"] is None
    return [row["id"] for row in answer["emails"]]


@pytest.fixture
def email(domain) -> ReceivedEmail:
    addresses = {
        "from": person("Jo Doe", "jo@x.example"),
        "to": person("The List", "list@y.example"),
        "cc": person('Ümit "q"', "cc@z.example"),
        "bcc": None,
        "replyTo": None,
    }
    received(domain, subject="Other", recipient="other@example.com")
    return received(
        domain, subject="Quarterly Report", from_address="jo@x.example", from_name="Jo Doe", addresses=addresses
    )


@pytest.mark.parametrize(
    "text", ["quarterly", "LY REP", "jo doe", "JO@X", "hello@example", "the list", "list@y.example"]
)
def test_a_search_looks_into_subject_sender_and_recipients(api, email, text):
    assert found(api, {"search": text}) == [email.pk]


@pytest.mark.parametrize("text", ["unknown words", "addresses", '"', "%", "_uarterly", "\\", "a\0b"])
def test_a_search_takes_its_text_as_it_is(api, email, text):
    assert found(api, {"search": text}) == []


@pytest.mark.parametrize(
    "text",
    ["hello@example.com", "Hello@Example.com", "jo@x.example", "LIST@y.example", "cc@z.example", " cc@z.example "],
)
def test_an_address_is_that_of_the_envelope_or_of_a_header(api, email, text):
    assert found(api, {"emailAddress": text}) == [email.pk]


@pytest.mark.parametrize("text", ["o@x.example", "jo@x.exampl", "text", "%@x.example", "a\0b", '"'])
def test_an_address_is_a_whole_one(api, email, text):
    assert found(api, {"emailAddress": text}) == []


def test_an_address_may_have_letters_of_any_script(api, domain):
    email = received(domain, addresses={"to": person("Ö", "grüße@bücher.example")})
    assert found(api, {"emailAddress": "grüße@bücher.example"}) == [email.pk]


@pytest.mark.parametrize("text", ["bücher.example", "BÜCHER.example.", "xn--bcher-kva.example"])
def test_a_domain_may_be_named_in_any_script(api, user, email, text):
    own = received(DomainFactory(owner=user, name="xn--bcher-kva.example"))
    answer = api.get(URL, {"domain": text}).json()
    assert ([row["id"] for row in answer["emails"]], answer["pagination"]["total"]) == ([own.pk], 1)


@pytest.mark.parametrize("text", ["example", "example.co", "no name", "a\0b", "%"])
def test_a_text_that_names_no_domain_of_the_caller_finds_nothing(api, email, text):
    answer = api.get(URL, {"domain": text}).json()
    assert (answer["emails"], answer["pagination"]["total"]) == ([], 0)


def test_an_id_finds_one_email(api, email):
    assert found(api, {"emailId": email.pk}) == [email.pk]
    assert found(api, {"emailId": "nothing"}) == found(api, {"emailId": "a\0b"}) == []


def test_filters_go_together_and_with_the_time_range(api, domain, email):
    ReceivedEmail.objects.filter(pk=email.pk).update(arrived_at=timezone.now() - timedelta(days=40))
    assert found(api, {"search": "report"}) == []
    assert found(api, {"search": "report", "timeRange": "90d"}) == [email.pk]
    assert found(api, {"search": "report", "timeRange": "90d", "domain": "example.org"}) == []
    ReceivedEmail.objects.update(is_archived=True)
    assert found(api, {"search": "report", "timeRange": "90d"}) == []
    assert found(api, {"search": "report", "timeRange": "90d", "includeArchived": "true"}) == [email.pk]


def test_an_empty_filter_is_none(api, email):
    query = {"search": "", "emailAddress": "", "emailId": "", "domain": "", "status": "", "timeRange": ""}
    assert api.get(URL, query).json()["pagination"]["total"] == 2
