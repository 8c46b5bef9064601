"""The receiver while the database is away: the queue keeps what cannot be noted."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import OperationalError, connection

from mail.models import Message
from mail.tests.postbox import Postbox
from mail.worker.backlog import Backlog
from mail.worker.threads.receiving import Receiving
from mail.worker.troubles import Troubles

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


def away(*_: Any) -> None:
    raise OperationalError("the server is starting up")


def test_nothing_more_is_taken_from_the_queue_until_the_database_answers(postbox: Postbox) -> None:
    """After ten times SQS would give a notification to the dead-letter queue, and with it who the mail is for."""
    postbox.deliver()
    postbox.hide_for(0)
    receiving = Receiving(Troubles(), threading.Event(), Backlog())
    receiving.nothing_more = threading.Event()
    postbox.aws.clear_journal()
    with connection.execute_wrapper(away):
        for _ in range(12):
            with pytest.raises(OperationalError):
                receiving.turn()
    assert [entry["action"] for entry in postbox.aws.journal()] == ["ReceiveMessage"]
    assert receiving.turn()
    assert Message.objects.count() == 1
    assert postbox.depth() == (0, 0)
