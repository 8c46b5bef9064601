"""A worker that runs once takes a mail from the queue to the list."""

from __future__ import annotations

import pytest

from mail.models import Message
from mail.tests.arrival.arrivals import listed
from mail.tests.postbox import Postbox, work

pytestmark = [pytest.mark.postgresql]


def test_a_mail_is_listed_and_read(postbox: Postbox) -> None:
    ses_id = postbox.deliver()
    counts = work()
    assert (counts["noted"], counts["ingested"]) == (1, 1)
    row = Message.objects.get()
    assert (row.ses_id, row.state, row.subject, row.text.strip()) == (ses_id, "ingested", "Hello", "Hi!")
    assert (row.from_name, row.from_address, row.rfc_id) == ("Jo", "jo@example.net", "<1@example.net>")
    assert (row.attempts, row.retry_at, row.problem, row.parse_error) == (1, None, "", "")
    assert row.size
    assert listed() == {(ses_id, "hello@example.com")}
    assert postbox.depth() == (0, 0)
