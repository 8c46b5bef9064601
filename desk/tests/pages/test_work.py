"""The work list."""

from __future__ import annotations

import csv

import pytest
from django.test import Client

from desk.pages.retry import NOTHING, summary
from domains.models import Domain
from inbound.tests.support.admin_site import messages_on, post, staff, text
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from ses_integration.emulator.server import Emulator

WORK = "/admin/work/"


@pytest.fixture
def throttled(ses: Emulator, settings) -> Emulator:
    """Two domains wait, because SES refuses every call."""
    settings.SES_REQUEST_BUDGET = 0.2
    ses.add_faults({"service": "ses", "action": "*", "fault": "throttle", "times": None})
    for name in ("a.example", "b.example"):
        EmailAddressFactory(domain=DomainFactory(name=name))
    return ses


def test_it_is_narrowed_by_level_kind_age_and_words(throttled, admin_client: Client):
    def shown(query: str) -> list[str]:
        page = text(admin_client.get(WORK + query))
        return [
            name for name in ("a.example", "b.example", "no ses_worker") if f"{name}:" in page or f">{name}<" in page
        ]

    assert shown("") == ["a.example", "b.example"]
    assert shown("?level=pending&q=B.Example") == ["b.example"]
    assert shown("?level=unconfirmed") == []
    assert shown("?kind=deletion") == []
    assert shown("?kind=ses_change&older=1440") == []


def test_a_choice_that_does_not_exist_is_refused_aloud(ses, admin_client: Client):
    response = admin_client.get(f"{WORK}?level=foo")
    assert response.status_code == 302
    assert messages_on(response) == [("warning", "The list was not narrowed: there is no such choice.")]


def test_what_is_chosen_is_tried_and_the_outcome_is_one_line(throttled, admin_client: Client, settings):
    chosen = {"chosen": ["ses_change|a.example|" + _id("a.example"), "worker|ses_worker|"]}
    _, still = post(admin_client, WORK, **chosen)
    assert still == [("info", "Tried 1 thing: 0 done, 1 still pending (1: AWS is throttling our calls).")]
    throttled.clear_faults()
    settings.SES_REQUEST_BUDGET = 60
    _, done = post(admin_client, WORK, **chosen)
    assert done == [("info", "Tried 1 thing: 1 done.")]


def test_without_permission_nothing_is_tried(throttled, client: Client):
    staff(client, "ses_integration.view_domainsync")
    throttled.clear_journal()
    response = client.post(WORK, {"chosen": ["ses_change|a.example|" + _id("a.example")]})
    assert messages_on(response) == [("info", NOTHING)]
    assert not throttled.journal()
    assert "Try selected now" not in text(client.get(WORK))


def test_it_is_exported(throttled, admin_client: Client):
    response = admin_client.get(f"{WORK}?export=csv&q=a.example")
    head, *rows = csv.reader(response.content.decode().splitlines())
    assert head[:4] == ["level", "kind", "subject", "what"]
    assert [row[:3] for row in rows] == [["pending", "ses_change", "a.example"]]


@pytest.mark.parametrize(
    ("tried", "reasons", "said"),
    [
        (0, [], NOTHING),
        (6, [], "Tried 6 things: 6 done."),
        (
            *(6, ["S3 refuses.", "AWS is busy.", "AWS is busy."]),
            "Tried 6 things: 3 done, 3 still pending (2: AWS is busy; 1: S3 refuses).",
        ),
    ],
)
def test_the_outcome_in_one_line(tried: int, reasons: list[str], said: str):
    assert summary(tried, reasons) == said


def _id(name: str) -> str:
    return str(Domain.objects.get(name=name).pk)
