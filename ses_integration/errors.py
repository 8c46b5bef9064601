"""Errors of AWS calls, by whether the call may have been applied (docs/architecture/ses.md, "Errors")."""

from __future__ import annotations


class SesError(Exception):
    """Base class. `sentence`: for clients and operators. AWS's own message goes only to the log.

    `needs_attention`: retrying does not help until a person changes something. `code`: AWS's error code, if it answered with one.
    `said`: AWS's own message, to be looked at and never to be shown.
    """

    needs_attention = False
    code = ""
    said = ""

    def __init__(self, sentence: str, *, needs_attention: bool | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        if needs_attention is not None:
            self.needs_attention = needs_attention


class Unsent(SesError):
    """The call was certainly not sent: no connection, no credentials, or its deadline had passed."""


class NotConfigured(Unsent):
    """Region, credentials or bucket are missing."""

    needs_attention = True


class NoCredentials(NotConfigured):
    """Credentials cannot be found or read, perhaps because they are being rotated just now."""


class RateLimitTimeout(Unsent):
    """Other processes used all calls that the rate limit allowed while this one waited."""

    def __init__(self) -> None:
        super().__init__("SES is busy with other calls.")


class WrongAccount(Unsent):
    """The credentials belong to another AWS account than the ledger (ADR 8)."""

    needs_attention = True

    def __init__(self) -> None:
        super().__init__(
            "The AWS credentials belong to a different account than the recorded one; ses_doctor names both."
        )


class Refused(SesError):
    """AWS refused the call, so it was not applied: throttled, over a quota, not allowed or not valid."""


class Throttled(Refused):
    """Too many control calls in the account and region (docs/architecture/ses.md, "Rate")."""

    def __init__(self) -> None:
        super().__init__("AWS is throttling our calls.")


class NotAccepted(Refused):
    """AWS does not accept the contents of the request, for example a character that XML cannot carry."""

    needs_attention = True


class BadCredentials(Refused):
    """AWS does not accept the credentials for any call. `needs_attention` is false if there are new ones by now."""

    needs_attention = True


class RuleSetMissing(Refused):
    """The rule set does not exist. `ses_setup` creates it."""

    needs_attention = True


class RuleSetFull(Refused):
    """The rule set has as many rules as SES allows, which may be fewer than its documented quota."""

    needs_attention = True
    SENTENCE = "The receipt rule set has no room for another rule."

    def __init__(self) -> None:
        super().__init__(self.SENTENCE)


class TooManyRecipients(Refused):
    """The rule has more recipients than SES allows, which may be fewer than its documented quota."""

    needs_attention = True


class SendingRefused(Refused):
    """SES does not accept this mail, and will not accept it later either."""

    needs_attention = True


class SendingHalted(Refused):
    """SES takes no mail now: of the account, from this sender or to this recipient. `sentence` says what to do.

    `retry_after`: in how many seconds it may be different.
    """

    needs_attention = True

    def __init__(self, sentence: str, retry_after: float = 900.0) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class AlreadyExists(SesError):
    """A create found that the name exists already."""


class NotFound(SesError):
    """An update, a delete or a read found nothing with the name."""


class NotStored(NotFound):
    """S3 has no object with the key, or its latest version is deleted."""


class Unanswered(SesError):
    """No answer, or an unreadable one: the call may have been applied, or may still be."""
