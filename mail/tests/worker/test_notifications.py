"""Notifications are lost, come five times, in any order, late, or after the domain has gone: each mail is there once."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.utils import timezone

from domains.deletion.service import delete_domain, resume_deletions
from domains.models import Domain
from inbound.tests.support.factories import DomainFactory, EmailAddressFactory
from mail.models import Message
from mail.tests.arrival.arrivals import listed
from mail.tests.postbox import Postbox, work
from mail.tests.worker.invariants import assert_nothing_crosses_owners, assert_nothing_is_lost

pytestmark = [pytest.mark.postgresql]


@pytest.fixture(autouse=True)
def quickly(settings: Any) -> None:
    settings.MAIL_SWEEP_GRACE_SECONDS = 0


def send(postbox: Postbox, mails: int = 6) -> set[tuple[str, str]]:
    """Let mail arrive for one and for two recipients. Returns what has to be listed."""
    second = f"{postbox.add_address('second')}"
    wanted = set()
    for number in range(mails):
        recipients = ["hello@example.com", second][: 1 + number % 2]
        ses_id = postbox.deliver(*recipients, raw=f"Subject: {number}\r\nTo: {', '.join(recipients)}\r\n\r\n".encode())
        wanted |= {(ses_id, recipient) for recipient in recipients}
    return wanted


def assert_all_is_there(wanted: set[tuple[str, str]]) -> None:
    assert listed() == wanted
    assert set(Message.objects.values_list("state", flat=True)) <= {"ingested"}
    assert_nothing_is_lost()
    assert_nothing_crosses_owners()


def test_five_times_and_shuffled_is_once(postbox: Postbox) -> None:
    wanted = send(postbox)
    told = postbox.notifications() * 5
    random.Random(1).shuffle(told)
    for text in told:
        postbox.tell(text)
    work(receivers=2)
    assert_all_is_there(wanted)
    assert postbox.depth() == (0, 0)


def test_all_lost_is_found_by_the_sweep_and_late_ones_change_nothing(postbox: Postbox) -> None:
    wanted = send(postbox)
    late = postbox.notifications()
    assert work()["noted"] == 0
    assert work(sweep=True)["found"] == 6
    assert_all_is_there(wanted)
    for text in late:
        postbox.tell(text)
    assert work()["duplicates"] == 6
    assert_all_is_there(wanted)
    assert work(sweep=True)["found"] == 0


def test_half_lost_is_all_there(postbox: Postbox) -> None:
    wanted = send(postbox)
    for text in postbox.notifications()[::2]:
        postbox.tell(text)
    work(sweep=True)
    assert_all_is_there(wanted)


def test_late_ones_of_a_deleted_domain_write_nothing_and_leave_the_queue(postbox: Postbox) -> None:
    send(postbox)
    delete_domain(domain=postbox.domain, requested_by="test")
    resume_deletions()
    assert work(sweep=True)["deleted domain"] == 6
    assert (listed(), Message.objects.count(), postbox.depth()) == (set(), 0, (0, 0))


def test_late_ones_of_an_earlier_life_do_not_reach_the_domain_that_was_added_again(postbox: Postbox) -> None:
    send(postbox)
    late = postbox.notifications()
    delete_domain(domain=postbox.domain, requested_by="test")
    resume_deletions()
    postbox.domain = DomainFactory(name="example.com")
    postbox.add_address("hello")
    new = postbox.deliver()
    for text in late:
        postbox.tell(text)
    work(sweep=True)
    assert_all_is_there({(new, "hello@example.com")})


def test_mail_of_a_domain_whose_deletion_has_begun_is_not_read(postbox: Postbox) -> None:
    send(postbox)
    Domain.objects.update(deleting_since=timezone.now())
    counts = work(sweep=True)
    assert (counts["noted"], counts["ingested"], counts["found"]) == (0, 0, 0)


def test_one_mail_for_two_domains_of_two_owners_is_listed_for_each(postbox: Postbox) -> None:
    other = DomainFactory(name="example.org")
    EmailAddressFactory(domain=other, address="you@example.org")
    ses_id = postbox.deliver("hello@example.com", "you@example.org")
    work(sweep=True)
    assert_all_is_there({(ses_id, "hello@example.com"), (ses_id, "you@example.org")})


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '"x"', '{"notificationType": "Received"}', "{" * 2000])
def test_what_is_no_notification_leaves_the_queue_and_keeps_nothing(postbox: Postbox, text: str) -> None:
    wanted = {(postbox.deliver(), "hello@example.com")}
    postbox.tell(text or " ")
    work()
    assert_all_is_there(wanted)
    assert postbox.depth() == (0, 0)


def test_a_mail_in_another_bucket_stays_in_the_queue(postbox: Postbox, settings: Any) -> None:
    postbox.deliver()
    settings.S3_BUCKET_NAME = "inbound-mail-of-tomorrow"
    assert work()["noted"] == 0
    assert postbox.depth() == (0, 1)


@pytest.mark.parametrize("source", ["sns", "sweep", "none"])
def test_other_sources_leave_the_queue_alone(postbox: Postbox, settings: Any, source: str) -> None:
    settings.MAIL_SOURCE = source
    ses_id = postbox.deliver()
    work(sweep=True)
    assert postbox.depth() == (1, 0)
    assert listed() == (set() if source == "none" else {(ses_id, "hello@example.com")})
