"""SES is unreachable while addresses are deleted, and empty when it is back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from addresses.models import EmailAddress
from domains.models import Domain
from inbound.tests.processes.support.checks import (
    assert_consistent,
    wait_until_idle,
    wait_until_up_to_date,
)
from inbound.tests.processes.support.quick_stack import QuickStack
from inbound.tests.processes.support.stack import Stack
from ses_integration.status.wording import CHANGE_PENDING

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]


def test_after_an_outage_ses_is_brought_up_to_date_without_another_request(
    stack_with: Callable[..., Stack], key: str
) -> None:
    stack = stack_with(QuickStack, SES_SWEEP_SECONDS="1", SES_DATABASE_SWEEP_SECONDS="1")
    stack.start()
    api = stack.web_api.with_key(key)
    ids = {}
    for name in ("one.example.com", "two.example.com", "three.example.com"):
        domain = api.add_domain(name)
        ids[name] = [api.add_address(domain, f"{local}@{name}") for local in ("a", "b")]
    stack.emulator.kill()

    first, last = ids["one.example.com"]
    answer = api.delete(f"email-addresses/{first}")

    assert answer.status == 200
    assert answer.body["cleanup"] == {
        "sesRuleUpdated": False,
        "emailAddress": "a@one.example.com",
        "domain": "one.example.com",
        "warning": f"SES rule update failed: {CHANGE_PENDING}",
    }
    assert api.get(f"email-addresses/{first}").status == 404
    # The last address of the domain: the rule itself is to be deleted.
    answer = api.delete(f"email-addresses/{last}")
    assert answer.body["cleanup"]["sesRuleUpdated"] is False
    assert answer.body["cleanup"]["warning"] == f"SES rule deletion failed: {CHANGE_PENDING}"

    stack.emulator.start()

    wait_until_up_to_date(stack, within=40)
    wait_until_idle(within=10)
    assert_consistent(stack)
    assert (Domain.objects.count(), EmailAddress.objects.count()) == (3, 4)
    assert set(stack.aws.rules()) == {"inbound-two.example.com-rule", "inbound-three.example.com-rule"}
    assert len(stack.aws.identities()) == 3
