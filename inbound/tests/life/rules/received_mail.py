"""Rules of the state machine for received mail: notified, notified again, found by the sweep, deleted, and gone with its domain."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from django.utils import timezone
from hypothesis import strategies as st

from domains.models import DomainDeletion
from inbound.tests.life.machine import locals_, names, picks, step
from inbound.tests.life.rules.operations import Operations
from inbound.tests.support.aws import store_mail
from mail.arrival.note import note
from mail.arrival.sweep import Pass, claim_sweep, make_all_due
from mail.erasure.one import erase_email
from mail.erasure.task import run_erasures
from mail.models import MailCount, Message, ReceivedEmail
from ses_integration.api import Arrival


class ReceivedMail(Operations):
    """Notifications come late and more than once, also after the mail or its domain was deleted."""

    def __init__(self, *surroundings: Any) -> None:
        # Keys and recipients that have a row, or had one when their domain was deleted. A sweep knows no recipient.
        self.listed: set[tuple[str, str]] = set()
        self.deleted: set[tuple[str, str]] = set()
        self.erased_keys: set[str] = set()
        super().__init__(*surroundings)

    @step(name=names, local=locals_)
    def receive_and_notify(self, name: str, local: str) -> None:
        key = f"emails/{name}/{self._tracked(name).pk}/{len(self.mail)}-{len(self.erased_keys)}"
        store_mail(key)
        self.mail.append(key)
        self._notify(key, local)

    @step(pick=picks, local=locals_)
    def notify_again(self, pick: int, local: str) -> None:
        """Also of mail that has been deleted, or whose domain has."""
        if known := [*self.mail, *sorted(self.erased_keys)]:
            self._notify(known[-1 - pick % len(known)], local)

    def _notify(self, key: str, local: str) -> None:
        _, name, pk, ses_id = key.split("/")
        recipient = f"{local}@{name}"
        arrival = Arrival(
            bucket="inbound-mail", key=key, domain_name=name, domain_id=pk, ses_id=ses_id, recipients=(recipient,),
            arrived_at=timezone.now(),
        )  # fmt: skip
        note([arrival], source=Message.Source.QUEUE)
        if self._is_listable(key) and (key, recipient) not in self.deleted:
            self.listed.discard((key, ""))
            self.listed.add((key, recipient))

    @step()
    def sweep_bucket(self) -> None:
        make_all_due()
        while row := claim_sweep():
            self.without_faults(Pass(row).run, grace=0)
        known = {key for key, _ in self.listed}
        self.listed |= {(key, "") for key in self.mail if self._is_listable(key) and key not in known}

    @step(pick=picks)
    def delete_mail(self, pick: int) -> None:
        emails = list(ReceivedEmail.objects.live().order_by("arrived_at", "id").select_related("message"))
        if not emails:
            return
        email = emails[pick % len(emails)]
        key = email.message.key
        assert erase_email(email) == "erased"
        self.listed.remove((key, email.recipient))
        self.deleted.add((key, email.recipient))
        if key not in {other for other, _ in self.listed}:
            self.erased_keys.add(key)
            self.mail.remove(key)

    @step(forget=st.booleans())
    def run_mail_worker(self, forget: bool) -> None:
        run_erasures()
        if forget:
            # After so long no notification and no sweep can name them, and SES does not store them again.
            erased = Message.objects.filter(state=Message.State.ERASING)
            long_ago = timezone.now() - timedelta(days=16)
            erased.update(arrived_at=long_ago, retry_at=long_ago, erased_at=timezone.now())
            run_erasures()
            assert not erased.exists()

    def _is_listable(self, key: str) -> bool:
        _, name, pk, _ = key.split("/")
        tracked = self.tracked_domains.get(name)
        return tracked is not None and tracked.pk == pk and key not in self.erased_keys

    def _assert_all_equal(self) -> None:
        super()._assert_all_equal()
        for_good = DomainDeletion.objects.for_good().filter(restorable_until=None)
        reported = set(for_good.values_list("domain_id", flat=True))
        gone = {(key, recipient) for key, recipient in self.listed if key.split("/")[2] in reported}
        rows = Counter(ReceivedEmail.objects.values_list("message__key", "recipient"))
        assert rows == Counter(self.listed - gone), "Each mail is listed once, and no mail of a deleted domain."
        assert {row.message.domain_id for row in ReceivedEmail.objects.select_related("message")}.isdisjoint(reported)
        assert not Message.objects.filter(domain__in=reported).exists()
        assert not MailCount.objects.filter(domain__in=reported).exists()
        assert sum(DomainDeletion.objects.values_list("erased_emails", flat=True)) == len(gone)
