"""Which mails are in one thread."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domains.models import Domain
from inbound.tests.support.factories import DomainFactory, MessageFactory, ReceivedEmailFactory, UserFactory
from mail.models import Message, MessageReference
from mail.parsing.parsed import ParsedMail
from mail.threads import members
from mail.threads.members import threads_of
from mail.threads.references import record_references

pytestmark = pytest.mark.sqlite


@pytest.fixture
def domain(user) -> Domain:
    made: Domain = DomainFactory(owner=user)
    return made


def mail(domain: Domain, own: str | None = None, *references: str, reply_to: str | None = None) -> int:
    """A received mail with these Message-IDs. Returns the id of its message."""
    message = ReceivedEmailFactory(message__domain=domain).message_id
    record_references(message, ParsedMail(message_id=own, in_reply_to=reply_to, references=list(references)))
    return int(message)


def thread(domain: Domain, message: int) -> list[int]:
    return sorted(threads_of(domain.owner, [message])[message])


def test_a_mail_without_ids_is_alone(domain):
    first, second = mail(domain), mail(domain)
    assert (thread(domain, first), thread(domain, second)) == ([first], [second])


def test_answers_are_with_what_they_answer_from_every_mail(domain):
    first = mail(domain, "<a@x>")
    rows = [first, mail(domain, "<b@x>", reply_to="<a@x>"), mail(domain, "<c@x>", "<a@x>", "<b@x>")]
    mail(domain, "<d@x>")
    assert [thread(domain, row) for row in rows] == [rows, rows, rows]


def test_ids_are_compared_without_brackets_and_case(domain):
    rows = [mail(domain, "<A@X>"), mail(domain, "<b@x>", reply_to="a@x")]
    assert thread(domain, rows[0]) == rows


def test_mails_that_refer_to_one_that_never_came_are_together(domain):
    rows = [mail(domain, "<b@x>", "<a@x>"), mail(domain, "<c@x>", "<a@x>")]
    assert thread(domain, rows[1]) == rows


def test_equal_subjects_do_not_make_a_thread(domain):
    first, second = mail(domain, "<a@x>"), mail(domain, "<b@x>")
    Message.objects.update(subject="Re: Hello", from_address="jo@example.net")
    assert thread(domain, first) == [first] != [second]


def test_a_thread_has_no_mail_of_others_and_of_domains_that_are_being_deleted(domain, user):
    other = DomainFactory(owner=user)
    mine = mail(domain, "<a@x>")
    also_mine = mail(other, "<b@x>", "<a@x>")
    theirs = mail(DomainFactory(owner=UserFactory()), "<c@x>", "<a@x>", "<b@x>")
    mail(domain, "<d@x>", "<c@x>")
    assert thread(domain, mine) == [mine, also_mine]
    Domain.objects.filter(pk=other.pk).update(deleting_since=timezone.now())
    assert thread(domain, mine) == [mine]
    assert theirs not in thread(domain, mine)


def test_a_message_that_no_recipient_has_any_more_is_in_no_thread(domain):
    first = mail(domain, "<a@x>")
    gone = MessageFactory(domain=domain)
    record_references(gone.pk, ParsedMail(message_id="<b@x>", references=["<a@x>"]))
    assert thread(domain, first) == [first]


def test_a_thread_ends_after_so_many_rounds(domain, monkeypatch):
    monkeypatch.setattr(members, "ROUNDS", 3)
    chain = [mail(domain, f"<{n}@x>", reply_to=f"<{n - 1}@x>") for n in range(10)]
    assert thread(domain, chain[0]) == chain[:4]
    assert thread(domain, chain[5]) == chain[2:9]


def test_a_long_thread_has_its_newest_mails_and_the_one_that_was_asked_for(domain, monkeypatch):
    monkeypatch.setattr(members, "MOST", 4)
    rows = [mail(domain, f"<{n}@x>", "<root@x>") for n in range(10)]
    assert thread(domain, rows[0]) == [rows[0], *rows[-3:]]
    assert thread(domain, rows[-1]) == rows[-4:]


def test_made_up_ids_end_the_search(domain, monkeypatch):
    rows = [mail(domain, None, *(f"<{n}.{other}@x>" for other in range(40)), "<common@x>") for n in range(2)]
    assert thread(domain, rows[0]) == rows
    monkeypatch.setattr(members, "MOST_IDS", 3)
    assert thread(domain, rows[0]) == rows[:1]


def test_mails_of_one_thread_are_searched_for_together(domain):
    rows = [mail(domain, f"<{n}@x>", "<root@x>") for n in range(3)]
    found = threads_of(domain.owner, rows)
    assert found[rows[0]] is found[rows[1]] is found[rows[2]]


@pytest.mark.parametrize("size", [1, 30])
def test_statements_do_not_grow_with_the_mails(domain, django_assert_num_queries, size):
    rows = [mail(domain, f"<{n}@x>", f"<root{n % 3}@x>") for n in range(size * 3)]
    # Message-IDs of the mails, mails with them, Message-IDs of those, and none is new.
    with django_assert_num_queries(2 if size == 1 else 4):
        assert len(threads_of(domain.owner, rows[:3])) == 3


def _connected(links: list[set[int]], start: int) -> set[int]:
    found, before = {start}, 0
    while len(found) > before:
        before = len(found)
        ids = set().union(*(links[n] for n in found))
        found |= {n for n, those in enumerate(links) if those & ids}
    return found


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.integers(0, 8), max_size=3), min_size=1, max_size=8))
def test_a_thread_is_everything_that_is_connected_whoever_else_is_asked_about(user, links):
    """Each mail is a set of Message-IDs."""
    MessageReference.objects.all().delete()
    domain = DomainFactory(owner=user)
    rows = [mail(domain, None, *_ids(those)) for those in links]
    found = threads_of(domain.owner, rows)
    for n, row in enumerate(rows):
        assert found[row] == {rows[other] for other in _connected(links, n)} == {*thread(domain, row)}
    assert MessageReference.objects.filter(message__in=rows).count() == sum(map(len, links))


def _ids(numbers: Iterable[int]) -> list[str]:
    return [f"<{number}@x>" for number in numbers]
