"""Follow test mail through the rows of the database, and say what is wrong if it stops."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from backoffice.text import moment, plural
from domains.models import Domain
from mail.models import Delivery, Message, ReceivedEmail
from mail.trial.smtp import Accepted
from mail.trial.steps import START, is_finished

# A mail is looked for often at first, so that its times are exact.
QUICK_SECONDS, QUICK_PAUSE, PAUSE = 2, 0.01, 0.1
# Parameters of one statement.
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Progress:
    """What has become of the mails: recipients that are listed, mails that are read, and deliveries that are finished."""

    listed: list[ReceivedEmail]
    expected: int

    @property
    def all_listed(self) -> bool:
        return len(self.listed) >= self.expected

    @property
    def all_read(self) -> bool:
        return self.all_listed and all(row.message.state != Message.State.ARRIVED for row in self.listed)

    @property
    def read(self) -> int:
        return len({row.message_id for row in self.listed if row.message.state != Message.State.ARRIVED})

    @property
    def dead(self) -> int:
        return self._deliveries[Delivery.State.DEAD]

    @property
    def outcomes(self) -> str:
        """How many deliveries are in each state."""
        counts = self._deliveries
        return ", ".join(
            f"{plural(counts[state], 'delivery')} {state}" for state in Delivery.State.values if counts[state]
        )

    @property
    def _deliveries(self) -> Counter[str]:
        return Counter(delivery.state for row in self.listed for delivery in row.deliveries.all())

    @property
    def is_finished(self) -> bool:
        return self.all_listed and all(map(is_finished, self.listed))


class Follower:
    """Looks for the rows of accepted mails, until each recipient is listed, and nothing more happens to it.

    `since`: a time before the first was sent.
    """

    def __init__(self, sent: Sequence[Accepted], since: datetime) -> None:
        self._sent = sent
        # An address that is given twice is listed once.
        self._expected = sum(len({recipient.lower() for recipient in mail.recipients}) for mail in sent)
        names = {recipient.rpartition("@")[2].lower() for mail in sent for recipient in mail.recipients}
        self.domains = dict(Domain.objects.live().filter(name__in=names).values_list("name", "pk"))
        self.unknown = sorted(names - self.domains.keys())
        self._since = since - timedelta(minutes=1)

    def follow(self, seconds: float) -> Iterator[Progress]:
        """What is found, each time that it is looked for, at most until so many seconds after the last was accepted."""
        deadline = self._sent[-1].at + seconds
        quick = self._sent[-1].at + QUICK_SECONDS
        while True:
            progress = self._look()
            yield progress
            now = time.monotonic()
            if progress.is_finished or now > deadline:
                return
            time.sleep(QUICK_PAUSE if now < quick and len(self._sent) == 1 else PAUSE)

    def _look(self) -> Progress:
        found = []
        for start in range(0, len(self._sent), AT_ONCE):
            found += list(self._rows(self._sent[start : start + AT_ONCE]))
        return Progress(found, self._expected)

    def _rows(self, sent: Sequence[Accepted]) -> QuerySet[ReceivedEmail]:
        named = Q(message__ses_id__in=[mail.ses_id for mail in sent if mail.ses_id])
        # Without SES's id: as the notification and the mail itself name it.
        unnamed = [mail.rfc_id for mail in sent if not mail.ses_id and mail.rfc_id]
        if unnamed:
            named |= Q(message__rfc_id__in=unnamed, message__arrived_at__gte=self._since)
        rows = ReceivedEmail.objects.filter(named, message__domain__in=self.domains.values())
        rows = rows.select_related("message").order_by("message_id", "recipient")
        rows = rows.prefetch_related("deliveries__endpoint__gate", "deliveries__log", "deliveries__recipients")
        return rows.defer("message__text", "message__html", "message__headers", "message__addresses")


def why_not_listed(source: str, depth: Callable[[], Any]) -> str:
    """What to do about mail that is accepted and not listed. `depth` asks the queue."""
    if source == "none":
        return "MAIL_SOURCE is none, so no process looks at stored mail. Set SES_QUEUE_URL, or MAIL_SOURCE."
    if source != "sqs":
        return f"MAIL_SOURCE is {source}. Is mail_worker running? Start it: python manage.py mail_worker"
    queue = depth()
    if queue.waiting:
        waiting = plural(queue.waiting, "notification")
        return f"{waiting} in the queue, and nobody takes them. {START}"
    if queue.in_flight:
        return "A mail_worker has taken the notification and has not noted the mail yet; its log says why."
    return (
        "The queue is empty, so its notification was lost or never sent: ses_doctor tests topic and subscription. "
        "The sweep of mail_worker finds the mail later (MAIL_SWEEP_SECONDS)."
    )


def why_not_read(message: Message) -> str:
    """What is wrong with a mail that is listed and not read."""
    if message.problem:
        later = f" It is tried again at {moment(message.retry_at)}." if message.retry_at else ""
        return f"{message.problem}{later}"
    if message.retry_at and message.retry_at > timezone.now():
        return "A mail_worker has taken it and is not ready yet; its log says why."
    return f"Nobody has read it yet. {START}"
