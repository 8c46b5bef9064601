"""Calls of the set-up, whose refusals say what to allow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ses_integration.aws.translate import aws_errors
from ses_integration.errors import Refused

# SNS's code is AuthorizationError (Amazon SNS API Reference, Common Errors).
DENIED = frozenset({"AccessDenied", "AuthorizationError", "UnauthorizedOperation"})
# Amazon SQS API Reference, CreateQueue: for 60 seconds after the deletion of a queue of this name.
DELETED_RECENTLY = frozenset({"QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently"})


@contextmanager
def permitted(action: str, resource: str) -> Iterator[None]:
    """Make an AWS call. `action` and `resource`: what a policy has to allow for it. Raises SesError."""
    try:
        with aws_errors(action):
            yield
    except Refused as error:
        if error.code in DENIED:
            sentence = f"AWS does not allow {action} on {resource}: allow it in the policy of these credentials."
        elif error.code in DELETED_RECENTLY:
            sentence = "A queue of this name has just been deleted: run it again in a minute."
        else:
            raise
        raise Refused(sentence, needs_attention=True) from error
