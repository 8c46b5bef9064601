"""What AWS, time and the processes that converge do between two requests."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import strategies as st

from domains.deletion.service import resume_deletions
from inbound.tests.life.truths import Truths
from inbound.tests.life.world import FAULTS, Manner, manners, names, picks, step
from inbound.worker import Worker
from ses_integration.coordination.lease import LeaseLost
from ses_integration.drift.sweep import sweep_database, sweep_ses
from ses_integration.errors import SesError
from ses_integration.models import DomainSync, InFlightCall
from ses_integration.reconcile.loop import reconcile_due
from ses_integration.tests.protocol_steps import Writer

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


class Weather(Truths):
    """A call that was `dropped` is not lost: it lands when a rule says so, or never."""

    @step(fault=st.sampled_from(FAULTS), action=st.sampled_from(ACTIONS))
    def an_outage_begins_or_ends(self, fault: str, action: str) -> None:
        if self.outage:
            self.outage.clear()
        else:
            self.outage.append({"action": action, "fault": fault, "times": None})

    @step(pick=picks)
    def a_late_call_lands(self, pick: int) -> None:
        if not self.late:
            return
        call = self.late.pop(pick % len(self.late))
        self.note(f"{call}")
        self.undisturbed(call.land, self.ses)

    @step(settled=st.booleans(), landing=st.sampled_from([True, True, False]))
    def time_passes(self, settled: bool, landing: bool) -> None:
        """Until the next attempts are due, or until nothing that had no answer can land any more, having landed or not."""
        self.next_attempts_come()
        if settled:
            self.everything_settles(landing)

    @step(landing=st.booleans())
    def it_comes_to_rest(self, landing: bool) -> None:
        self.everything_settles(landing)
        self.come_to_rest()

    # Processes

    @step(what=st.sampled_from(["reconcile", "finish_deletions", "do_everything"]), manner=manners)
    def the_worker(self, what: str, manner: Manner) -> None:
        self.work(manner)
        getattr(self, what)(manner)

    def reconcile(self, manner: Manner) -> None:
        reconcile_due()

    def finish_deletions(self, manner: Manner) -> None:
        resume_deletions()

    def do_everything(self, manner: Manner) -> None:
        unmarked = self._unmarked()
        Worker().tick()
        self.bypassed.clear()
        # What a sweep has missed because of a fault is for the next one.
        if not manner.fault and not self.outage:
            self.disturbed -= unmarked

    @step(of_ses=st.booleans())
    def a_sweep(self, of_ses: bool) -> None:
        if not of_ses:
            sweep_database()
            self.bypassed.clear()
            return
        unmarked = self._unmarked()
        with suppress(SesError):
            sweep_ses()
            self.disturbed -= unmarked

    @step(writer=st.sampled_from([0, 1]), name=names, anew=st.booleans())
    def a_writer_goes_on(self, writer: int, name: str, anew: bool) -> None:
        """It writes down what it will send, having taken over from whoever had the lease; it sends that, whoever has the
        lease by then; it records the answer, if the lease is still its own."""
        plan, answer = self.writers[writer] or (None, None)
        if plan is None or anew:
            self._write_down(writer, name)
        elif answer is None:
            self.note(f"sends for {plan.domain}")
            self.writers[writer] = (plan, plan.send())
        else:
            self.writers[writer] = None
            try:
                plan.record(answer)
            except LeaseLost:
                self.note("too late")

    def _write_down(self, number: int, name: str) -> None:
        writer = Writer(name)
        writer.plan()
        self.writers[number] = (writer, None) if writer.intent else None
        self.note(f"{writer.intent and writer.intent.call}")

    def _unmarked(self) -> set[str]:
        """The names that a sweep of SES looks at: nothing of theirs is owed or in doubt."""
        pending = {sync.domain for sync in DomainSync.objects.all() if sync.pending}
        return self.disturbed - pending - set(InFlightCall.objects.values_list("entry__domain", flat=True))
