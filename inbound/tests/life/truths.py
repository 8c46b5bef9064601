"""What must hold after every step, and what must be equal when nothing is owed any more."""

from __future__ import annotations

from hypothesis.stateful import invariant

from domains.models import DomainDeletion
from inbound.tests.aws import stored_keys
from inbound.tests.life.rows import HeldRule, Life, stored_lives, wanted_rules
from inbound.tests.life.seen_ses import SeenSes, look
from inbound.tests.life.world import FOREIGN_RULE, NAMES, Manner, World
from inbound.worker import Worker
from ses_integration.models import DomainSync, InFlightCall, LedgerEntry, LedgerIdentity
from ses_integration.plan.resources import Presence, ResourceKind

ROUNDS_TO_REST = 15


class Truths(World):
    @invariant()
    def everything_promised_holds(self) -> None:
        with self.telling():
            self._everything_promised_holds()

    def _everything_promised_holds(self) -> None:
        self.whole = False
        seen = look(self.ses)
        for name, held in seen.rules.items():
            assert held.recipients, f"{name} takes everybody's mail."
        for recipient in sorted(self.gone):
            assert not seen.holds(recipient), f"{recipient} was reported gone, and SES holds it."
        for name in sorted(self.identity_gone):
            assert name not in seen.identities, f"The identity {name} was reported gone, and SES holds it."
        self._rows_are_as_told()
        self._everything_is_in_the_ledger(seen)
        self._ledger_is_right_where_it_has_no_doubt(seen)
        self._differences_are_owed(seen)
        assert FOREIGN_RULE in seen.rules or not self.foreign_rule, "Somebody else's rule was deleted."
        assert self.foreign <= seen.identities.keys(), "Somebody else's identity was deleted."
        assert not self.complaints.texts, "\n".join(self.complaints.texts)
        self.whole = True

    def _rows_are_as_told(self) -> None:
        told = {
            name: Life(self.users[life.owner].pk, life.pk, life.addresses, life.catch_all)
            for name, life in self.lives.items()
        }
        assert stored_lives() == told

    def _everything_is_in_the_ledger(self, seen: SeenSes) -> None:
        entries = set(LedgerEntry.objects.values_list("kind", "name"))
        assert {(ResourceKind.RULE.value, name) for name in seen.rules.keys() - {FOREIGN_RULE}} <= entries
        assert {(ResourceKind.IDENTITY.value, name) for name in seen.identities.keys() - self.foreign} <= entries

    def _ledger_is_right_where_it_has_no_doubt(self, seen: SeenSes) -> None:
        sure = LedgerEntry.objects.filter(in_flight=None).exclude(presence=Presence.UNKNOWN)
        for entry in sure.exclude(domain__in=self.disturbed).prefetch_related("recipients"):
            if entry.kind == ResourceKind.IDENTITY:
                # Absent only means that we have not made it: somebody else's is found by the first call.
                there = entry.name in seen.identities
                assert there == (entry.presence == Presence.PRESENT) or (there and entry.name in self.foreign), (
                    f"{entry}"
                )
                continue
            known = {recipient.recipient for recipient in entry.recipients.all()}
            held = seen.rules.get(entry.name, HeldRule(frozenset(), ""))
            assert held.recipients == known, f"{entry} with {sorted(known)}, but SES has {sorted(held.recipients)}."

    def _differences_are_owed(self, seen: SeenSes) -> None:
        syncs = {sync.domain for sync in DomainSync.objects.all() if sync.pending}
        unknown_outcomes = set(InFlightCall.objects.values_list("entry__domain", flat=True))
        for name in sorted(set(NAMES) - syncs - unknown_outcomes - self.disturbed - self.bypassed):
            self._follows(name, seen)

    def _follows(self, name: str, seen: SeenSes) -> None:
        desired, held = wanted_rules(name), seen.rules_of(name)
        assert held == desired, f"SES holds {held} for {name}, and the rows want {desired}."
        there = name in self.lives or name in self.foreign
        assert (name in seen.identities) == there, f"{name} has {'no' if there else 'an'} identity."

    # Rest

    def come_to_rest(self) -> None:
        """AWS behaves, time passes, the worker does what is owed, and both sweeps look: then SES equals the rows."""
        self.outage.clear()
        self.set_faults()
        self.ses.set_quotas(recipients=None)
        self.writers = [None, None]
        self.prepare_ses()
        quiet = 0
        for _ in range(ROUNDS_TO_REST):
            self.calls_settle()
            self.next_attempts_come()
            quiet = quiet + 1 if self._owes_nothing() else 0
            if quiet == 2:
                break
            self.work(Manner(patient=False))
            Worker().tick()
        else:
            raise AssertionError(f"No rest after {ROUNDS_TO_REST} rounds: {self._owed()}")
        self.disturbed.clear()
        self.bypassed.clear()
        self.read_journal()
        self._everything_promised_holds()
        self._is_equal()

    def _owed(self) -> list[object]:
        return [
            *(sync for sync in DomainSync.objects.all() if sync.pending),
            *InFlightCall.objects.all(),
            *DomainDeletion.objects.pending(),
        ]

    def _owes_nothing(self) -> bool:
        return not self._owed()

    def _is_equal(self) -> None:
        seen = look(self.ses)
        everything = {name: held for domain in NAMES for name, held in wanted_rules(domain).items()}
        assert {name: held for name, held in seen.rules.items() if name != FOREIGN_RULE} == everything
        assert seen.identities.keys() == self.lives.keys() | self.foreign
        # A lasting refusal of MAIL FROM is an answer: nothing else of the identity may wait for it.
        failed = set(LedgerIdentity.objects.filter(mail_from_status="Failed").values_list("entry__name", flat=True))
        for name in self.lives.keys() - self.foreign - failed:
            assert seen.identities[name].mail_from == f"mail.{name}", f"{name} has no MAIL FROM domain."
        kept = {f"emails/{name}/{life.pk}/" for name, life in self.lives.items()} | self.abandoned
        assert stored_keys() == sorted(key for key in self.mail if key.rpartition("/")[0] + "/" in kept)

    def teardown(self) -> None:
        if self.whole:
            with self.telling():
                self.come_to_rest()
