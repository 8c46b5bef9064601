"""Processes that are forked quickly, beside the emulated AWS and the database of a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from inbound.tests.processes.support.clients import EmulatedAws
from inbound.tests.processes.support.forks import ForkServer
from inbound.tests.processes.support.stack import Stack
from mail.tests.postbox import Postbox


@contextmanager
def forks_beside(
    postbox: Postbox, stack_with: Callable[..., Stack], folder: Path, settings: Any, **more: str
) -> Iterator[ForkServer]:
    """A server of forks with the settings of the postbox. `folder`: that of `stack_with`. `more`: environment variables."""
    stack = stack_with(
        AWS_ENDPOINT_URL=postbox.aws.url,
        SES_AUTO_SETUP="false",
        SES_TOPIC_ARN=settings.SES_TOPIC_ARN,
        SES_QUEUE_URL=settings.SES_QUEUE_URL,
        **more,
    )
    port = urlsplit(postbox.aws.url).port
    assert port is not None
    stack.aws = EmulatedAws(port)
    forks = ForkServer(stack.env, folder / "stack0" / "forks.log")
    yield forks
    forks.stop()
