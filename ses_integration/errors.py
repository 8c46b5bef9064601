"""What can go wrong with a call to AWS, told apart by what may be believed afterwards."""

from __future__ import annotations


class SesError(Exception):
    """The family. `sentence` is for clients and operators, in our words; AWS's own words go to the log only.

    `attention`: trying again will not help before somebody changes something.
    """

    attention = False

    def __init__(self, sentence: str, *, attention: bool | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        if attention is not None:
            self.attention = attention


class Unsent(SesError):
    """The call surely never left: no connection, no credentials, its deadline had come. Nothing changed."""


class NotConfigured(Unsent):
    """Region, credentials or bucket are missing, so the call was not even tried."""

    attention = True


class RateLimitTimeout(Unsent):
    """Our own processes share what SES takes, and the others had all of it."""

    def __init__(self) -> None:
        super().__init__("SES is busy with other calls.")


class WrongAccount(Unsent):
    """The credentials are those of another AWS account than the one that holds what is recorded; which, `ses_doctor` says."""

    attention = True

    def __init__(self) -> None:
        super().__init__("The AWS credentials are those of another account than before; ses_doctor says which.")


class Refused(SesError):
    """AWS answered that it did not do it: throttled, over a quota, not allowed, not valid. Nothing changed."""


class Throttled(Refused):
    """SES takes about one control call a second of the whole account (docs/architecture/ses.md, "Rate")."""

    def __init__(self) -> None:
        super().__init__("AWS is taking fewer calls than we make.")


class BadCredentials(Refused):
    """AWS does not accept who we are, whatever we ask for."""

    attention = True


class RuleSetMissing(Refused):
    """The rule set does not exist; `ses_setup` makes it."""

    attention = True


class RuleSetFull(Refused):
    """The rule set has all the rules that it may have (docs/architecture/ses.md, "Quotas")."""

    attention = True


class TooManyRecipients(Refused):
    """A rule has more recipients than this SES takes, which may be fewer than the quota that AWS names.

    See docs/architecture/ses.md, "Quotas".
    """

    attention = True


class AlreadyExists(SesError):
    """A create met something of that name."""


class NotFound(SesError):
    """An update, a delete or a read met nothing of that name."""


class Unanswered(SesError):
    """No answer, or one that cannot be read: the call may have been applied, or may still be."""
