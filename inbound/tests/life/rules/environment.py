"""Rules of the state machine for what happens between requests: AWS outages, time, the worker and other writers."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import strategies as st

from domains.deletion.service import resume_deletions
from inbound.tests.life.invariants import Invariants
from inbound.tests.life.machine import FAULTS, Mode, modes, names, picks, step
from inbound.worker import Worker
from ses_integration.coordination.lease import LeaseLost
from ses_integration.drift.sweep import sweep_database, sweep_ses
from ses_integration.errors import SesError
from ses_integration.models import DomainSync, InFlightCall
from ses_integration.reconcile.loop import reconcile_due
from ses_integration.tests.support.protocol_steps import Writer

ACTIONS = (
    "*",
    "CreateReceiptRule",
    "UpdateReceiptRule",
    "DeleteReceiptRule",
    "CreateEmailIdentity",
    "GetEmailIdentity",
    "VerifyDomainIdentity",
    "SetIdentityMailFromDomain",
    "DeleteEmailIdentity",
)


class Environment(Invariants):
    """A call with the fault `dropped` is not lost: a rule applies it later, or never."""

    @step(fault=st.sampled_from(FAULTS), action=st.sampled_from(ACTIONS))
    def start_or_end_outage(self, fault: str, action: str) -> None:
        if self.outage:
            self.outage.clear()
        else:
            self.outage.append({"action": action, "fault": fault, "times": None})

    @step(pick=picks)
    def apply_a_late_call(self, pick: int) -> None:
        if not self.late:
            return
        call = self.late.pop(pick % len(self.late))
        self.note(f"{call}")
        self.without_faults(call.apply, self.ses)

    @step(settled=st.booleans(), applied=st.sampled_from([True, True, False]))
    def pass_time(self, settled: bool, applied: bool) -> None:
        """End all back-offs; if `settled`, also the time in which unanswered calls may be applied."""
        self.end_backoffs()
        if settled:
            self.settle_everything(applied)

    @step(applied=st.booleans())
    def everything_finishes(self, applied: bool) -> None:
        self.settle_everything(applied)
        self.finish_everything()

    # Processes

    @step(what=st.sampled_from(["reconcile", "finish_deletions", "do_everything"]), mode=modes)
    def run_worker(self, what: str, mode: Mode) -> None:
        self.work(mode)
        getattr(self, what)(mode)

    def reconcile(self, mode: Mode) -> None:
        reconcile_due()

    def finish_deletions(self, mode: Mode) -> None:
        resume_deletions()

    def do_everything(self, mode: Mode) -> None:
        unmarked = self._swept_names()
        Worker().tick()
        self.changed_by_sql.clear()
        # If a fault interrupted the sweep, the next one finds the rest.
        if not mode.fault and not self.outage:
            self.changed_in_ses -= unmarked

    @step(of_ses=st.booleans())
    def sweep(self, of_ses: bool) -> None:
        if not of_ses:
            sweep_database()
            self.changed_by_sql.clear()
            return
        unmarked = self._swept_names()
        with suppress(SesError):
            sweep_ses()
            self.changed_in_ses -= unmarked

    @step(writer=st.sampled_from([0, 1]), name=names, anew=st.booleans())
    def advance_a_writer(self, writer: int, name: str, anew: bool) -> None:
        """Advance a paused writer by one step: record its intent, send it, or record the answer.

        It takes over the lease for the first step, sends even if another holder has the lease by then, and records the
        answer only if the lease is still its own.
        """
        plan, answer = self.writers[writer] or (None, None)
        if plan is None or anew:
            self._record_intent(writer, name)
        elif answer is None:
            self.note(f"sends for {plan.domain}")
            self.writers[writer] = (plan, plan.send())
        else:
            self.writers[writer] = None
            try:
                plan.record(answer)
            except LeaseLost:
                self.note("too late")

    def _record_intent(self, number: int, name: str) -> None:
        writer = Writer(name)
        writer.plan()
        self.writers[number] = (writer, None) if writer.intent else None
        self.note(f"{writer.intent and writer.intent.call}")

    def _swept_names(self) -> set[str]:
        """The names that a sweep of SES examines: those without pending changes and unanswered calls."""
        pending = {sync.domain for sync in DomainSync.objects.all() if sync.pending}
        return self.changed_in_ses - pending - set(InFlightCall.objects.values_list("entry__domain", flat=True))
