"""The signal `deletion_proved` comes once, and with what its receivers write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from domains.deletion.proved import announce_proved, deletion_proved
from domains.deletion.service import delete_domain
from domains.models import DomainDeletion, Step
from inbound.tests.support.factories import UserFactory
from inbound.tests.support.prepared import verified_domain
from inbound.worker import Worker

pytestmark = pytest.mark.sqlite


@pytest.fixture
def told() -> Iterator[list[str]]:
    names: list[str] = []

    def note(deletion: DomainDeletion, **_: Any) -> None:
        assert transaction.get_connection().in_atomic_block
        names.append(deletion.name)

    deletion_proved.connect(note)
    yield names
    deletion_proved.disconnect(note)


def proven(name: str) -> DomainDeletion:
    done = dict.fromkeys(DomainDeletion.STEPS, Step.DONE)
    now = timezone.now()
    return DomainDeletion.objects.create(
        domain_id=name, name=name, owner=UserFactory(), finished_at=now, proved_at=now, **done
    )


def test_a_deletion_is_announced_once_it_is_proven(ses, user, told):
    record = delete_domain(domain=verified_domain(ses, user, "example.com"), requested_by="us")
    assert announce_proved() == 0
    Worker().tick()
    assert told == ["example.com"]
    record.refresh_from_db()
    assert record.announced_at is not None
    # Proven again, after late mail was found.
    DomainDeletion.objects.update(proved_at=timezone.now())
    assert (announce_proved(), told) == (0, ["example.com"])


def test_a_receiver_that_fails_is_called_again_and_holds_up_nobody(transactional_db, told, caplog):
    proven("bad.example"), proven("good.example")
    broken = True

    def fail(deletion: DomainDeletion, **_: Any) -> None:
        if broken and deletion.name == "bad.example":
            raise RuntimeError

    deletion_proved.connect(fail)
    try:
        failing: dict[str, float] = {}
        assert announce_proved(failing=failing) == 1
        assert told == ["bad.example", "good.example"]
        assert "bad.example is proven; retrying" in caplog.text
        assert "Traceback" in caplog.text
        # Not before the pause is over.
        assert announce_proved(failing=failing) == 0
        assert len(told) == 2
        assert list(DomainDeletion.objects.filter(announced_at=None).values_list("name", flat=True)) == ["bad.example"]
        broken = False
        failing |= dict.fromkeys(failing, 0.0)
        assert (announce_proved(failing=failing), failing) == (1, {})
    finally:
        deletion_proved.disconnect(fail)
    assert told[-1] == "bad.example"


def test_a_worker_that_is_stopped_leaves_the_rest(transactional_db, told):
    proven("example.com")
    assert (announce_proved(lambda: True), announce_proved(seconds=0), told) == (0, 0, [])


@pytest.mark.postgresql
def test_two_workers_announce_each_deletion_once(transactional_db, told):
    names = {proven(f"shop{number}.example").name for number in range(20)}

    def announce() -> None:
        announce_proved()
        connections.close_all()

    workers = [threading.Thread(target=announce) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(told) == sorted(names)
