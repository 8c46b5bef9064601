"""Restoring, ending and adding the name at once, in threads with their own connections: exactly one wins."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from audit.models import Change
from domains.cleanup.find import in_aws, in_database
from domains.deletion.service import resume_deletions
from domains.grace.end import end_due, end_now
from domains.grace.period import NotInGrace
from domains.grace.restore import restore
from domains.lifecycle.held import DomainRestorable
from domains.lifecycle.register import DomainTaken, add_domain
from domains.models import Domain, DomainDeletion, Step
from domains.tests.grace_rows import everything
from inbound.tests.support.aws import identities, recover_and_run_worker, rules, stored_keys
from ses_integration.cli.leftovers import LeftoverSearch

pytestmark = pytest.mark.postgresql

BACK = {"inbound-example.com-rule": {"a@example.com"}}


def at_once(*works: Callable[[], object]) -> list[object]:
    """What each returns, or the class of the refusal that it raises."""
    start = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        try:
            start.wait()
            return work()
        except (NotInGrace, DomainRestorable, DomainTaken) as refusal:
            return type(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def restoring() -> str:
    restore(DomainDeletion.objects.get(restored_at=None), restored_by="me")
    return "restored"


def assert_all_or_nothing(ses, full, before) -> bool:
    """Everything is back, or nothing is. Returns which."""
    recover_and_run_worker(ses)
    record = DomainDeletion.objects.get(domain_id=full.pk)
    is_back = record.restored_at is not None
    if is_back:
        assert everything(ses, full) == before
        assert {getattr(record, step) for step in DomainDeletion.STEPS} == {Step.RESTORED}
    else:
        assert not Domain.objects.filter(pk=full.pk).exists()
        assert record.finished_at
        assert not [key for key in stored_keys() if key.startswith(full.key_prefix)]
    return is_back


@pytest.fixture
def before(full, ses):
    # The worker has added what is missing of a new domain.
    recover_and_run_worker(ses)
    return everything(ses, full)


def test_of_two_restores_one_is_refused(before, deletion, full, ses):
    outcomes = at_once(restoring, lambda: restoring_pk(deletion.pk))
    assert sorted(map(str, outcomes)) == sorted(map(str, ["restored", NotInGrace]))
    assert assert_all_or_nothing(ses, full, before)
    assert Change.objects.filter(action="restored").count() == 1


def restoring_pk(pk: str) -> str:
    restore(DomainDeletion.objects.get(pk=pk), restored_by="me")
    return "restored"


def test_restoring_and_ending_have_one_winner(before, deletion, full, ses):
    outcomes = at_once(lambda: restoring_pk(deletion.pk), lambda: end_now(DomainDeletion.objects.get(pk=deletion.pk)))
    is_back = assert_all_or_nothing(ses, full, before)
    assert (outcomes[0] == "restored") is is_back


def test_restoring_and_the_worker_have_one_winner(before, deletion, full, ses, ends):
    """The period ends while it is being restored."""
    ends(0.02)
    outcomes = at_once(lambda: restoring_pk(deletion.pk), lambda: [(end_due(), resume_deletions()) for _ in range(20)])
    end_due()
    is_back = assert_all_or_nothing(ses, full, before)
    assert (outcomes[0] == "restored") is is_back


def test_restoring_and_starting_afresh_have_one_winner(before, deletion, full, user, ses):
    def afresh() -> str:
        add_domain(owner=user, name="example.com", start_afresh=True)
        return "added"

    outcomes = at_once(lambda: restoring_pk(deletion.pk), afresh)
    is_back = assert_all_or_nothing(ses, full, before)
    assert outcomes in (["restored", DomainTaken], [NotInGrace, "added"])
    assert (outcomes[0] == "restored") is is_back
    assert Domain.objects.get().name == "example.com"
    assert identities(ses) == {"example.com"}


def test_a_clean_up_meanwhile_finds_nothing_to_remove(before, deletion, full, ses):
    def look() -> list[object]:
        found: list[object] = []
        for _ in range(5):
            search = LeftoverSearch("", lambda *_: None)
            found += [*in_database(search).deletions, *in_aws(search).removable]
        return found

    outcomes = at_once(lambda: restoring_pk(deletion.pk), look)
    assert outcomes == ["restored", []]
    assert assert_all_or_nothing(ses, full, before)
    assert rules(ses) == BACK
