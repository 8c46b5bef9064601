"""The account's sending rate and daily quota, shared by all processes (docs/architecture/ses.md, "Sending")."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from ses_integration.aws import account
from ses_integration.aws.gateway import Gateway
from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination.clock import AHEAD, database_now
from ses_integration.coordination.rate_limit import rate_limited
from ses_integration.errors import SendingHalted, SesError
from ses_integration.models import SendingLimit, statements
from ses_integration.models.statements import After

ASK_EVERY = timedelta(minutes=5)
# After a failure, and at the earliest after SES has refused a mail as one too many.
ASK_AGAIN = timedelta(seconds=30)
# Until SES has said more: an account in the sandbox (Amazon SES Developer Guide, "Request production access").
FIRST_RATE = 1.0
PAUSE = timedelta(seconds=1)

logger = logging.getLogger(__name__)

# Rate of each region as last seen. The claim fails if it is another one by now.
_rates: dict[str, float] = {}


def sending_slot() -> float:
    """Claim the right to send one mail now and return 0.0, or return in how many seconds to ask again.

    Once in a while it asks SES for the limits, as a control call. Raises SendingHalted if the day's quota is used up.
    """
    config = ses_config()
    if _claim(config):
        return 0.0
    row = _row(config)
    longest = timedelta(seconds=2 / row.per_second if row.per_second > 0 else 0)
    if max(row.next_slot - longest, row.ask_at - ASK_EVERY) > row.now + AHEAD:
        # The clock was set back. Without this, nobody would send until it is there again.
        past = row.now - PAUSE
        SendingLimit.objects.filter(pk=row.pk, ask_at=row.ask_at).update(next_slot=past, ask_at=past)
        row = _row(config)
    if row.ask_at <= row.now:
        _ask(config, row)
        row = _row(config)
    _rates[config.region] = row.per_second
    if 0 < row.per_day <= row.sent:
        raise daily_quota((row.ask_at - row.now).total_seconds())
    seconds: float = (row.next_slot - row.now).total_seconds()
    # SQLite's clock counts only milliseconds.
    if seconds < 0.001 and _claim(config):
        return 0.0
    # Never zero, which means claimed.
    return max(0.001, seconds)


def slow_down(config: SesConfig) -> None:
    """Nobody sends for a second, and then SES is asked for the limits: it has refused a mail because there were too many."""
    now = database_now()
    rows = SendingLimit.objects.filter(region=config.region)
    rows.update(next_slot=now + PAUSE)
    # In the past: this time may have microseconds, and SQLite's own, which it is compared with, only milliseconds.
    rows.filter(ask_at__lt=now + ASK_EVERY - ASK_AGAIN).update(ask_at=now - PAUSE)


def daily_quota(retry_after: float = ASK_EVERY.total_seconds()) -> SendingHalted:
    """The error for mail that waits until what was sent a day ago no longer counts."""
    return SendingHalted(
        "The account has sent as much mail in 24 hours as SES allows. More goes as soon as earlier mail is a day old; "
        "ask AWS for a higher sending quota if this happens often.",
        max(1.0, retry_after),
    )


def _claim(config: SesConfig) -> bool:
    rate = _rates.get(config.region, FIRST_RATE)
    # Without a limit, a slot is free at any time.
    next_slot = After(1 / rate if rate > 0 else -PAUSE.total_seconds())
    return bool(statements.CLAIM_SENDING_SLOT.run(next_slot, config.region, rate))


def _row(config: SesConfig) -> Any:
    """The row of the region with the database's time. The first one asks SES at once."""
    rows: QuerySet[Any] = SendingLimit.objects.filter(region=config.region).annotate(now=Now())
    found = rows.first()
    if found is None:
        past = database_now() - PAUSE
        first = SendingLimit(
            region=config.region, next_slot=past, per_second=FIRST_RATE, per_day=0, sent=0, ask_at=past
        )
        SendingLimit.objects.bulk_create([first], ignore_conflicts=True)
        found = rows.get()
    return found


def _ask(config: SesConfig, row: SendingLimit) -> None:
    """Ask SES for the limits and record them, unless another process does so now. After a failure the old ones stay."""
    rows = SendingLimit.objects.filter(region=config.region)
    now = database_now()
    if not rows.filter(ask_at=row.ask_at).update(ask_at=now + ASK_AGAIN):
        return
    try:
        gateway = Gateway(config, verified=account.verify(config))
        with rate_limited(config):
            quota = gateway.send_quota()
    except SesError as error:
        logger.warning("The limits for sending mail stay as they are: %s", error)
        return
    rows.update(per_second=quota.per_second, per_day=quota.per_day, sent=quota.sent, ask_at=database_now() + ASK_EVERY)
