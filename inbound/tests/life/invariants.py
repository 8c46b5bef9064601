"""What must hold after every step, and what must be equal when nothing is pending."""

from __future__ import annotations

from dataclasses import replace

from django.db.models import Q
from django.utils import timezone
from hypothesis.stateful import invariant

from domains.models import Domain, DomainDeletion, Step
from inbound.tests.life.machine import FOREIGN_RULE, NAMES, MachineBase, Mode
from inbound.tests.life.observed import ObservedSes, observe_ses
from inbound.tests.life.rows import HeldRule, TrackedDomain, as_tracked, desired_rules, held_domains, live_domains
from inbound.tests.support.aws import stored_keys
from inbound.worker import Worker
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry, LedgerIdentity
from ses_integration.plan.resources import Presence, ResourceKind

MAX_ROUNDS = 15


class Invariants(MachineBase):
    @invariant()
    def invariants_hold(self) -> None:
        with self.recording_first_failure():
            self._assert_invariants()

    def _assert_invariants(self) -> None:
        self.steps_complete = False
        observed = observe_ses(self.ses)
        for name, held in observed.rules.items():
            assert held.recipients, f"{name} receives the mail of every domain."
        for recipient in sorted(self.reported_gone):
            assert not observed.holds(recipient), f"{recipient} was reported gone, and SES holds it."
        for name in sorted(self.identity_reported_gone):
            assert name not in observed.identities, f"The identity {name} was reported gone, and SES holds it."
        self.forget_ended_periods()
        domains = live_domains()
        self._assert_rows(domains, self.tracked_domains)
        self._assert_rows(held_domains(), {name: held.tracked for name, held in self.held.items()})
        entries = list(LedgerEntry.objects.prefetch_related("recipients", "in_flight"))
        self._assert_ledger_is_complete(entries, observed)
        self._assert_ledger_is_right(entries, observed)
        self._assert_differences_are_pending(domains, entries, observed)
        assert FOREIGN_RULE in observed.rules or not self.foreign_rule, "Somebody else's rule was deleted."
        assert self.foreign_identities <= observed.identities.keys(), "Somebody else's identity was deleted."
        assert not self.run_log.errors, "\n".join(self.run_log.errors)
        self.steps_complete = True

    def forget_ended_periods(self) -> None:
        """Whoever comes first ends a period that is over. Nobody ends another one."""
        in_grace = set(DomainDeletion.objects.in_grace().values_list("pk", flat=True))
        for name, held in list(self.held.items()):
            if held.deletion not in in_grace:
                assert held.over, f"The grace period of {name} ended early."
                del self.held[name]

    def _assert_rows(self, domains: dict[str, Domain], tracked_domains: dict[str, TrackedDomain]) -> None:
        told = {name: replace(tracked, owner=self.users[tracked.owner].pk) for name, tracked in tracked_domains.items()}
        assert {name: as_tracked(domain) for name, domain in domains.items()} == told

    def _assert_ledger_is_complete(self, entries: list[LedgerEntry], observed: ObservedSes) -> None:
        known = {(entry.kind, entry.name) for entry in entries}
        assert {(ResourceKind.RULE.value, name) for name in observed.rules.keys() - {FOREIGN_RULE}} <= known
        assert {
            (ResourceKind.IDENTITY.value, name) for name in observed.identities.keys() - self.foreign_identities
        } <= known

    def _assert_ledger_is_right(self, entries: list[LedgerEntry], observed: ObservedSes) -> None:
        for entry in entries:
            if entry.in_flight.all() or entry.presence == Presence.UNKNOWN or entry.domain in self.changed_in_ses:
                continue
            if entry.kind == ResourceKind.IDENTITY:
                # "absent" only means that we did not create it. The first call finds one that somebody else created.
                there = entry.name in observed.identities
                assert there == (entry.presence == Presence.PRESENT) or (
                    there and entry.name in self.foreign_identities
                ), f"{entry}"
                continue
            known = {recipient.recipient for recipient in entry.recipients.all()}
            held = observed.rules.get(entry.name, HeldRule(frozenset(), ""))
            assert held.recipients == known, f"{entry} with {sorted(known)}, but SES has {sorted(held.recipients)}."

    def _assert_differences_are_pending(
        self, domains: dict[str, Domain], entries: list[LedgerEntry], observed: ObservedSes
    ) -> None:
        syncs = {sync.domain for sync in DomainSync.objects.all() if sync.pending}
        unknown_outcomes = {entry.domain for entry in entries if entry.in_flight.all()}
        for name in sorted(set(NAMES) - syncs - unknown_outcomes - self.changed_in_ses - self.changed_by_sql):
            self._assert_up_to_date(name, domains.get(name), observed)

    def _assert_up_to_date(self, name: str, domain: Domain | None, observed: ObservedSes) -> None:
        desired, held = desired_rules(domain) if domain else {}, observed.rules_of(name)
        assert held == desired, f"SES holds {held} for {name}, and the rows want {desired}."
        there = name in self.tracked_domains.keys() | self.held.keys() | self.foreign_identities
        assert (name in observed.identities) == there, f"{name} has {'no' if there else 'an'} identity."

    # Finishing

    def finish_everything(self) -> None:
        """End all faults, let time pass and the worker finish and sweep: then SES matches the database."""
        self.outage.clear()
        self.set_faults()
        self.ses.set_quotas(recipients=None)
        self.writers = [None, None]
        self.prepare_ses()
        quiet = 0
        for _ in range(MAX_ROUNDS):
            self.expire_unanswered_calls()
            self.end_backoffs()
            quiet = quiet + 1 if self._nothing_pending() else 0
            if quiet == 2:
                break
            self.work(Mode(waits=False))
            Worker().tick()
        else:
            raise AssertionError(f"Not finished after {MAX_ROUNDS} rounds: {self._pending()}")
        self.changed_in_ses.clear()
        self.changed_by_sql.clear()
        self.read_journal()
        self._assert_invariants()
        self._assert_all_equal()

    def _pending(self) -> list[object]:
        return [
            *(sync for sync in DomainSync.objects.all() if sync.pending),
            *InFlightCall.objects.all(),
            *DomainDeletion.objects.under_way(),
            *DomainDeletion.objects.in_grace().filter(Q(rules=Step.PENDING) | Q(restorable_until__lte=timezone.now())),
        ]

    def _nothing_pending(self) -> bool:
        return not self._pending()

    def _assert_all_equal(self) -> None:
        observed = observe_ses(self.ses)
        everything = {name: held for domain in live_domains().values() for name, held in desired_rules(domain).items()}
        assert {name: held for name, held in observed.rules.items() if name != FOREIGN_RULE} == everything
        kept = {**{name: held.tracked for name, held in self.held.items()}, **self.tracked_domains}
        assert observed.identities.keys() == kept.keys() | self.foreign_identities
        # If SES refuses MAIL FROM for good, the rest of the identity does not wait for it.
        failed = set(LedgerIdentity.objects.filter(mail_from_status="Failed").values_list("entry__name", flat=True))
        for name in kept.keys() - self.foreign_identities - failed:
            assert observed.identities[name].mail_from == f"mail.{name}", f"{name} has no MAIL FROM domain."
        prefixes = {f"emails/{name}/{tracked.pk}/" for name, tracked in kept.items()} | self.abandoned_prefixes
        assert stored_keys() == sorted(key for key in self.mail if key.rpartition("/")[0] + "/" in prefixes)

    def teardown(self) -> None:
        if self.steps_complete:
            with self.recording_first_failure():
                self.finish_everything()
