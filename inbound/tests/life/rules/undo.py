"""Rules of the state machine for what can be undone: deleted domains in their grace period, and tombstones of addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st

from addresses.models import DeletedAddress
from domains.grace.end import end_due, extend
from domains.grace.period import NotInGrace
from domains.models import Domain, DomainDeletion
from inbound.tests.life.machine import LOCALS, Mode, locals_, modes, names, picks, step
from inbound.tests.life.rows import Held
from inbound.tests.life.rules.operations import WITHOUT_WAITING, Operations, are_related
from ses_integration.models import DomainSync

DAYS = 30
LISTS = ("/domains", "/email-addresses", "/mail", "/deleted-addresses", "/dns-records")


class Undo(Operations):
    """Time does not pass by itself: only `grace_periods_are_over` lets periods be over."""

    # Domains

    @step(name=names, permanent=st.sampled_from([False, False, False, True]), mode=modes)
    def delete_domain_with_grace(self, name: str, permanent: bool, mode: Mode) -> None:
        """`permanent` acts as without a grace period."""
        tracked = self._tracked(name)
        path = f"/domains/{tracked.pk}{'?permanent=true' if permanent else ''}"
        with self._grace():
            answer = self.call_api(tracked.owner, "delete", path, None, mode)
        assert answer.status_code == 200, answer.json()
        assert ("restorableUntil" in answer.json()) != permanent
        self._hold(name, None if permanent else answer.json()["deletionId"])
        assert answer.json()["deletedResources"]["emailAddresses"] == (len(tracked.addresses) if permanent else 0)
        self._note_deletion(name, answer.json())

    @step(name=names)
    def kill_deletion_with_grace_after_first_transaction(self, name: str) -> None:
        tracked = self._tracked(name)
        self.work(WITHOUT_WAITING)
        with transaction.atomic():
            row, until = Domain.objects.get(pk=tracked.pk), timezone.now() + timedelta(days=DAYS)
            report = DomainDeletion.objects.create(
                domain_id=row.pk, name=name, owner_id=row.owner_id, restorable_until=until
            )
            row.deleting_since, row.restorable_until = timezone.now(), until
            row.save(update_fields=["deleting_since", "restorable_until"])
        self._hold(name, report.pk)

    @step(name=names, mode=modes)
    def restore_domain(self, name: str, mode: Mode) -> None:
        held = self._held(name)
        path = f"/deletions/{held.deletion}/restore"
        assert self.call_api(1 - held.tracked.owner, "post", path).status_code == 404
        if not held.over:
            self.reported_gone -= {name, *(f"{local}@{name}" for local in LOCALS)}
            self.identity_reported_gone.discard(name)
        answer = self.call_api(held.tracked.owner, "post", path, None, mode)
        assert answer.status_code == (409 if held.over else 200), answer.json()
        if held.over:
            assert "ended at" in answer.json()["error"]
            return
        self.tracked_domains[name] = held.tracked
        del self.held[name]
        pending = [sync for sync in DomainSync.objects.filter(domain=name) if sync.pending]
        assert "warning" in answer.json() or not pending, f"Nothing was said of {pending}."

    @step(name=names, mode=modes)
    def start_afresh(self, name: str, mode: Mode) -> None:
        held = self._held(name)
        # Others may have a related name since the period is over.
        related = (theirs.owner for other, theirs in self._taken().items() if are_related(other, name))
        owner = next(related, held.tracked.owner)
        self.identity_reported_gone.discard(name)
        body = {"domain": name, "startAfresh": True}
        answer = self.call_api(owner, "post", "/domains", body, mode)
        assert answer.status_code == 201, answer.json()
        self._track(name, owner, answer.json()["id"])

    @step(name=names, how=st.sampled_from(["request", "orm"]), mode=modes)
    def end_a_period_early(self, name: str, how: str, mode: Mode) -> None:
        held = self._held(name)
        del self.held[name]
        if how == "orm":
            self.work(mode)
            Domain.objects.filter(pk=held.tracked.pk).delete()
            return
        path = f"/domains/{held.tracked.pk}?permanent=true"
        answer = self.call_api(held.tracked.owner, "delete", path, None, mode)
        assert answer.status_code == 200, answer.json()
        assert answer.json()["deletedResources"]["emailAddresses"] == len(held.tracked.addresses)
        self._note_deletion(name, answer.json())

    @step(name=names)
    def extend_a_period(self, name: str) -> None:
        """Only an operator can, and only before it is over."""
        held = self._held(name)
        over = held.over
        with suppress(NotInGrace):
            extend(DomainDeletion.objects.get(pk=held.deletion), days=1)
            assert not over

    @step(name=names, ended=st.booleans(), also_tombstones=st.booleans())
    def grace_periods_are_over(self, name: str, ended: bool, also_tombstones: bool) -> None:
        """Those of one name; if `ended`, a worker ends them."""
        past = timezone.now() - timedelta(seconds=1)
        Domain.objects.filter(name=name, restorable_until__isnull=False).update(restorable_until=past)
        DomainDeletion.objects.in_grace().filter(name=name).update(restorable_until=past)
        if also_tombstones:
            DeletedAddress.objects.filter(domain__name=name).update(restorable_until=past)
        if name in self.held:
            self.held[name].over = True
        if ended:
            self.work(WITHOUT_WAITING)
            assert end_due() == int(name in self.held)
            assert not DomainDeletion.objects.in_grace().filter(name=name).exists()

    @step(name=names)
    def nothing_of_a_held_domain_is_shown(self, name: str) -> None:
        held = self._held(name)
        owner, pk = held.tracked.owner, held.tracked.pk
        for path in LISTS:
            answer = self.call_api(owner, "get", path)
            assert (answer.status_code, pk in answer.content.decode()) == (200, False), answer.content
        for method, body in (("get", None), ("put", {"isCatchAllEnabled": False})):
            assert self.call_api(owner, method, f"/domains/{pk}", body).status_code == 404
        new = {"address": f"new@{name}", "domainId": pk}
        assert self.call_api(owner, "post", "/email-addresses", new).status_code == 404
        report = self.call_api(owner, "get", f"/deletions/{held.deletion}").json()
        assert report["restorableUntil"]
        assert {step["step"] for step in report["steps"] if step["outcome"] == "done"} <= {"receiptRules"}

    # Addresses

    @step(name=names, local=locals_, permanent=st.sampled_from([False, False, True]), mode=modes)
    def delete_address_with_grace(self, name: str, local: str, permanent: bool, mode: Mode) -> None:
        row = self._address(name, local)
        tracked = self.tracked_domains[name]
        path = f"/email-addresses/{row.pk}{'?permanent=true' if permanent else ''}"
        with self._grace():
            answer = self.call_api(tracked.owner, "delete", path, None, mode)
        assert answer.status_code == 200, answer.json()
        active = tracked.addresses.pop(row.address)
        if not permanent:
            tracked.tombstones[row.address] = active
        if answer.json()["cleanup"]["sesRuleUpdated"]:
            self._note_gone(row.address)

    @step(pick=picks, lift=st.sampled_from([False, False, True]), mode=modes)
    def restore_or_lift_address(self, pick: int, lift: bool, mode: Mode) -> None:
        left = list(DeletedAddress.objects.live().with_restorable().select_related("domain").order_by("address"))
        if not left:
            return
        row = left[pick % len(left)]
        tracked = self.tracked_domains[row.domain.name]
        path = f"/deleted-addresses/{row.pk}"
        assert self.call_api(1 - tracked.owner, "post", f"{path}/restore").status_code == 404
        if lift:
            assert self.call_api(tracked.owner, "delete", path, None, mode).status_code == 200
            del tracked.tombstones[row.address]
            return
        if row.is_restorable and row.is_active:
            self.reported_gone.discard(row.address)
        answer = self.call_api(tracked.owner, "post", f"{path}/restore", None, mode)
        assert answer.status_code == (200 if row.is_restorable else 409), answer.json()
        if row.is_restorable:
            assert answer.json()["id"] == row.pk
            tracked.addresses[row.address] = tracked.tombstones.pop(row.address)

    # Help

    def _held(self, name: str) -> Held:
        """The domain in its grace period. Deletes it without faults if it is not, so that every step does something."""
        if name not in self.held:
            tracked = self._tracked(name)
            with self._grace():
                answer = self.call_api(tracked.owner, "delete", f"/domains/{tracked.pk}")
            self._hold(name, answer.json()["deletionId"])
            self._note_deletion(name, answer.json())
        return self.held[name]

    def _hold(self, name: str, deletion: str | None) -> None:
        """The domain is no longer live. `deletion`: it can be restored."""
        tracked = self.tracked_domains.pop(name)
        if deletion is not None:
            self.held[name] = Held(tracked, deletion)

    @contextmanager
    def _grace(self) -> Iterator[None]:
        self.settings.DOMAIN_DELETE_GRACE_DAYS = self.settings.ADDRESS_DELETE_GRACE_DAYS = DAYS
        try:
            yield
        finally:
            self.settings.DOMAIN_DELETE_GRACE_DAYS = self.settings.ADDRESS_DELETE_GRACE_DAYS = 0
