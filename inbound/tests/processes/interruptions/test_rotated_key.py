"""The access key is rotated in the shared credentials file while server and worker run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inbound.tests.processes.support.checks import wait_until_up_to_date
from inbound.tests.processes.support.quick_stack import QuickStack
from inbound.tests.processes.support.stack import Stack, wait_for

pytestmark = [pytest.mark.postgresql, pytest.mark.processes]


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    return tmp_path / "credentials"


def write(credentials: Path, key: str) -> None:
    credentials.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = any\n")


def start(stack_with: Callable[..., Stack], credentials: Path, *, worker: bool, **settings: str) -> Stack:
    write(credentials, "OLD")
    stack = stack_with(
        QuickStack,
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
        AWS_SHARED_CREDENTIALS_FILE=str(credentials),
        **settings,
    )
    stack.start(worker=worker)
    return stack


def deactivate(stack: Stack, key: str) -> None:
    stack.aws.add_fault(action="*", fault="error", code="InvalidClientTokenId", status=403, times=None, access_key=key)


def test_the_server_uses_the_new_key_in_the_request_that_meets_the_old_one_refused(
    stack_with: Callable[..., Stack], key: str, credentials: Path
) -> None:
    stack = start(stack_with, credentials, worker=False)
    api = stack.web_api.with_key(key)
    domain = api.add_domain("example.com")
    address = api.add_address(domain, "a@example.com")
    deactivate(stack, "OLD")
    write(credentials, "NEW")
    answer = api.delete(f"email-addresses/{address}")
    assert answer.body["cleanup"]["sesRuleUpdated"] is True
    assert stack.aws.rules() == {}
    assert len([call for call in stack.aws.refused() if call["status"] == 403]) == 1


def test_the_worker_uses_a_key_that_is_written_after_the_old_one_was_refused(
    stack_with: Callable[..., Stack], key: str, credentials: Path
) -> None:
    # The server only marks the change.
    stack = start(stack_with, credentials, worker=True, SES_REQUEST_BUDGET="0.001", SES_SWEEP_SECONDS="1")
    api = stack.web_api.with_key(key)
    domain = api.add_domain("example.com")
    wait_until_up_to_date(stack, within=20)
    deactivate(stack, "OLD")
    api.add_address(domain, "a@example.com")
    wait_for(lambda: "does not accept the credentials" in stack.worker.text, within=20, what="the old key is refused")
    write(credentials, "NEW")
    wait_until_up_to_date(stack, within=30)
    assert stack.aws.recipients() == {"a@example.com"}
