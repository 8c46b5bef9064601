"""What holds once the worker has nothing to do (docs/architecture/mail.md)."""

from __future__ import annotations

from domains.models import Domain
from inbound.tests.support.aws import stored_keys
from mail.models import Message, ReceivedEmail


def assert_nothing_is_lost() -> None:
    """Every object of a live domain has a message, and every message has been read, or says why it waits."""
    keys = {key for domain in Domain.objects.live() for key in stored_keys() if key.startswith(domain.key_prefix)}
    assert keys == set(Message.objects.live().values_list("key", flat=True))
    waiting = Message.objects.live().filter(state=Message.State.ARRIVED, problem="")
    assert not waiting.exists(), list(waiting.values())


def assert_nothing_crosses_owners() -> None:
    for row in ReceivedEmail.objects.select_related("message", "domain"):
        assert row.owner_id == row.domain.owner_id
        assert row.domain_id == row.message.domain_id
        assert row.message.key.startswith(row.domain.key_prefix)
        assert row.recipient.endswith(f"@{row.domain.name}") or row.recipient == ""
