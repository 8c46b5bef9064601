"""Random requests to the server get answers that the description has, no 5xx, and nothing of another owner.

`make fuzz` sends many.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pytest
import requests
from django.contrib.auth.models import User
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domains.models import Domain
from endpoints.models import Endpoint
from inbound.models import issue_key
from inbound.tests.processes.fuzz.answers import problem
from inbound.tests.processes.fuzz.cases import Cases, other_method
from inbound.tests.processes.fuzz.rows import MARK, Caller, create
from inbound.tests.processes.support.stack import Stack
from inbound.tests.support.factories import UserFactory
from mail.models import ReceivedEmail
from ses_integration.emulator.server import Emulator

pytestmark = [pytest.mark.postgresql, pytest.mark.processes, pytest.mark.slow]

REQUESTS = int(os.environ.get("FUZZ_REQUESTS") or 0)
REQUESTS_PER_PART = 5000
STEADY = 400
REPLENISHED_AFTER = 25
SHOWN_CHARACTERS = 1000


def rows_of(owner: User) -> list[object]:
    of = {"owner": owner}
    return [list(model.objects.filter(**of).order_by("pk").values()) for model in (Domain, Endpoint, ReceivedEmail)]


@pytest.mark.parametrize("part", range(max(1, -(-REQUESTS // REQUESTS_PER_PART))))
def test_every_answer_is_described_and_tells_nothing_of_others(
    stack_with: Callable[..., Stack], ses: Emulator, user: User, record_property, part
) -> None:
    stack = stack_with(AWS_ENDPOINT_URL=ses.url, SES_AUTO_SETUP="false")
    stack.web.start()
    stranger = UserFactory(username=MARK)
    theirs, caller = create(stranger, MARK), Caller(user)
    before = rows_of(stranger)
    caller.replenish()
    cases = Cases(caller.ids, theirs)
    session, statuses, problems = requests.Session(), Counter[int](), dict[str, str]()
    key = issue_key(owner=user, name="fuzz")[1]
    base = f"http://127.0.0.1:{stack.web_api.port}"

    @settings(
        max_examples=min(REQUESTS_PER_PART, REQUESTS - part * REQUESTS_PER_PART) if REQUESTS else STEADY,
        derandomize=not REQUESTS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def send(data: st.DataObject) -> None:
        case = cases.draw(data)
        sent = case.as_transport_kwargs(base_url=base)
        sent["method"] = other_method(data) or sent["method"]
        sent["headers"].setdefault("Authorization", f"Bearer {key}")
        answer = session.request(**sent, allow_redirects=False, timeout=60)
        statuses[answer.status_code] += 1
        found = problem(case.path, sent["method"].lower(), answer)
        if found:
            # The first of each kind. The others are of interest as well.
            told = f"{sent}\n{answer.status_code} {answer.text[:SHOWN_CHARACTERS]}"
            problems.setdefault(f"{sent['method']} {case.path}: {found}", told)
        if answer.status_code == 201:
            caller.learn(case.path.split("/")[3], answer.json())
        if statuses.total() % REPLENISHED_AFTER == 0:
            caller.replenish()

    try:
        send()
    finally:
        record_property("statuses", {str(status): number for status, number in statuses.items()})
    assert not problems, "\n\n".join(f"{what}\n{told}" for what, told in problems.items())
    assert rows_of(stranger) == before
    # A few hundred requests may create nothing: most of them are wrong on purpose.
    assert ({200, 201, 400, 404} if statuses.total() == REQUESTS_PER_PART else {200, 400, 404}) <= set(statuses)
