"""How many statements an import takes does not depend on how much is in the archive, apart from its batches."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from archives.models import Import
from archives.tests.format.reading.making import Making
from archives.tests.uploads.uploading import numbered, start, with_mails
from archives.uploads.task import run_imports
from inbound.tests.support.factories import UserFactory

pytestmark = pytest.mark.postgresql


def archive(number: int) -> bytes:
    making = Making(folders=[[b"x"]], mail=numbered())
    making.rows["endpoints.jsonl"] = [making.rows["endpoints.jsonl"][0] | {"id": f"e{one}"} for one in range(number)]
    for name, member in (("addresses.jsonl", "address"), ("blocked-emails.jsonl", "emailAddress")):
        (first, *_) = making.rows[name]
        making.rows[name] = [
            {**first, "id": f"row{one}", member: f"{name[0]}{one}@example.com"} for one in range(number)
        ]
    return making.bytes()


def test_a_request_takes_as_many_for_more_rows(settings):
    # Reconciling is another matter.
    settings.SES_REQUEST_BUDGET = 0.0
    counts = []
    # The first one also finds out what the installation has.
    for number in (2, 2, 60):
        user = UserFactory()
        with CaptureQueriesContext(connection) as captured:
            start(user, archive(number))
        counts.append(len(captured))
        user.domains.all().delete()
    assert counts[1] == counts[2]


def test_a_batch_takes_as_many_for_more_mails_and_each_batch_the_same(user, small_batches):
    counts = []
    for mails in (2, 4, 6):
        start(UserFactory(), with_mails(mails))
        with CaptureQueriesContext(connection) as captured:
            assert run_imports() == 1
        counts.append(len(captured))
        Import.objects.get().domain.delete()
        Import.objects.all().delete()
    assert counts[2] - counts[1] == counts[1] - counts[0] <= 17
