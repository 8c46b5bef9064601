"""The id of the thread that an email belongs to, from the email alone."""

from __future__ import annotations

from mail.models import ReceivedEmail


def thread_id(email: ReceivedEmail) -> str:
    """The first Message-ID that the mail refers to, or its own, as it has them. Without any, the id of the email.

    All emails of a thread agree on it if their mail programs list what they refer to from the beginning, as they should.
    """
    message = email.message
    first = message.references[0] if message.references else message.in_reply_to
    return first or message.rfc_id or email.pk
