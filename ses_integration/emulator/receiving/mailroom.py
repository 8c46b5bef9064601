"""Accept mail, store it and publish its notifications."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ses_integration.emulator.receiving.actions import AcceptedMail, run
from ses_integration.emulator.receiving.content.mail import (
    LOCALHOST,
    MAX_HEADERS,
    Client,
    IncomingMail,
    header_fields,
)
from ses_integration.emulator.receiving.content.notification import SUBJECT
from ses_integration.emulator.receiving.evaluation import applies, evaluate
from ses_integration.emulator.receiving.notices import Notices
from ses_integration.emulator.receiving.setup_notification import EVENTS_MESSAGE, EVENTS_SUBJECT, announce
from ses_integration.emulator.receiving.verdicts import ScriptedVerdicts
from ses_integration.emulator.ses.service import Ses
from ses_integration.emulator.sns.subscriptions import publish
from ses_integration.emulator.state.accounts import SesRegion
from ses_integration.emulator.state.validation import Rule

_ID_CHARACTERS = string.digits + string.ascii_lowercase[:22]


class MailboxUnavailable(Exception):
    """SES accepts mail for none of the recipients: 550 in SMTP."""


class Mailroom:
    """Receives mail for every region that has an active rule set. Thread-safe."""

    def __init__(self, ses: Ses) -> None:
        self._ses = ses
        self.verdicts = ScriptedVerdicts()
        self.notices = Notices()
        self._accepted: list[AcceptedMail] = []
        ses.accounts.targets_tested = self._set_up
        ses.accounts.topic_tested = self._set_up_events
        self._random = random.Random()  # noqa: S311 - an id of a test mail

    def accepts(self, recipient: str) -> bool:
        """Whether an enabled rule of an active set matches the recipient, and its domain is verified there."""
        with self._ses.lock:
            return any(_accepts(region, recipient) for region in self._ses.accounts.regions())

    def deliver(self, sender: str, recipients: Sequence[str], raw: bytes, client: Client = LOCALHOST) -> list[str]:
        """Receive a mail: store it and publish before this returns. Returns its SES id in each region that takes it.

        Leaves out recipients that SES would refuse. Raises MailboxUnavailable if it would refuse all of them.
        """
        with self._ses.lock:
            taken = [
                (region, accepted, evaluate(_active_rules(region), accepted))
                for region in self._ses.accounts.regions()
                if (accepted := tuple(recipient for recipient in recipients if _accepts(region, recipient)))
            ]
        if not taken:
            raise MailboxUnavailable(", ".join(recipients))
        own_fields = list(header_fields(raw, MAX_HEADERS))
        verdicts = self.verdicts.of(raw, own_fields)
        ids = []
        for region, accepted, rules in taken:
            mail = IncomingMail(
                ses_id="".join(self._random.choices(_ID_CHARACTERS, k=40)),
                region=region.region,
                sender=sender,
                recipients=accepted,
                raw=raw,
                received=datetime.now(UTC),
                verdicts=verdicts,
                client=client,
            )
            log = AcceptedMail(mail.ses_id, mail.region, sender, accepted, len(raw))
            self._accepted.append(log)
            for rule in rules:
                run(region.account, mail, rule, own_fields, self.publish, log)
            ids.append(mail.ses_id)
        return ids

    def listed(self) -> list[dict[str, Any]]:
        """The accepted mails in the format of `GET /_mail`."""
        return [accepted.as_dict() for accepted in list(self._accepted)]

    def clear(self) -> None:
        """Forget the mails, scripted verdicts and notifications that are held back."""
        self._accepted.clear()
        self.verdicts.clear()
        self.notices.discard()

    def publish(self, topic: str, message: str, subject: str = SUBJECT) -> None:
        """Publish for SES, as the behaviour of `notices` says."""
        message_id = str(uuid4())
        self.notices.send(lambda: publish(topic, message, subject, message_id=message_id))

    def _set_up(self, region: SesRegion, rule: Rule) -> None:
        if self.notices.sets_up:
            announce(region, rule, self.publish)

    def _set_up_events(self, topic: str) -> None:
        if self.notices.sets_up:
            self.publish(topic, EVENTS_MESSAGE, EVENTS_SUBJECT)


def _active_rules(region: SesRegion) -> list[Rule]:
    active = region.rules.active
    return [] if active is None else region.rules.rule_set(active).rules


def _accepts(region: SesRegion, recipient: str) -> bool:
    return region.identities.receives(recipient) and any(applies(rule, recipient) for rule in _active_rules(region))
