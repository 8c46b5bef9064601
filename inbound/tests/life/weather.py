"""What AWS, time and the processes that converge do between two requests."""

from __future__ import annotations

from hypothesis import strategies as st

from domains.deletion import resume_deletions
from inbound.tests.life.truths import Truths
from inbound.tests.life.world import FAULTS, Manner, manners, names, picks, step
from inbound.worker import Worker
from ses_integration.convergence import converge_due
from ses_integration.errors import SesError
from ses_integration.lease import LeaseLost
from ses_integration.models import DomainMark, UnansweredCall
from ses_integration.sweep import sweep_database, sweep_ses
from ses_integration.tests.steps import Writer

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
slots = st.sampled_from([0, 1])


class Weather(Truths):
    """A call that was `dropped` is not lost: it lands when a rule says so, or never."""

    @step(fault=st.sampled_from(FAULTS), action=st.sampled_from(ACTIONS))
    def an_outage_begins(self, fault: str, action: str) -> None:
        self.outage.append({"action": action, "fault": fault, "times": None})

    @step()
    def all_outages_end(self) -> None:
        self.outage.clear()

    @step(pick=picks)
    def a_late_call_lands(self, pick: int) -> None:
        if not self.late:
            return
        call = self.late.pop(pick % len(self.late))
        self.note(f"{call}")
        self.undisturbed(call.land, self.ses)

    @step()
    def next_attempts_are_due(self) -> None:
        self.next_attempts_come()

    @step()
    def what_had_no_answer_can_no_longer_land(self) -> None:
        self.calls_settle()

    # Processes

    @step(manner=manners)
    def the_worker_converges(self, manner: Manner) -> None:
        self.work(manner)
        converge_due()

    @step(manner=manners)
    def the_worker_goes_on_with_deletions(self, manner: Manner) -> None:
        self.work(manner)
        resume_deletions()

    @step(manner=manners)
    def the_worker_does_everything(self, manner: Manner) -> None:
        self.work(manner)
        unmarked = self._unmarked()
        Worker().tick()
        self.bypassed.clear()
        # What a sweep has missed because of a fault is for the next one.
        if not manner.fault and not self.outage:
            self.disturbed -= unmarked

    @step()
    def the_database_is_swept(self) -> None:
        sweep_database()
        self.bypassed.clear()

    @step()
    def ses_is_swept(self) -> None:
        unmarked = self._unmarked()
        try:
            sweep_ses()
        except SesError:
            return
        self.disturbed -= unmarked

    @step(slot=slots, name=names)
    def a_writer_writes_down_what_it_will_send(self, slot: int, name: str) -> None:
        """Having taken over from whoever had the lease."""
        writer = Writer(name)
        writer.plan()
        self.writers[slot] = (writer, None) if writer.intent else None
        self.note(f"{writer.intent and writer.intent.call}")

    @step(slot=slots)
    def a_writer_sends(self, slot: int) -> None:
        """With or without the lease: it may have been paused in between."""
        writing = self.writers[slot]
        if writing is not None and writing[1] is None:
            self.writers[slot] = (writing[0], writing[0].send())

    @step(slot=slots)
    def a_writer_records_its_answer(self, slot: int) -> None:
        writer, answer = self.writers[slot] or (None, None)
        if writer is None or answer is None:
            return
        self.writers[slot] = None
        try:
            writer.record(answer)
        except LeaseLost:
            self.note("too late")

    def _unmarked(self) -> set[str]:
        """The names that a sweep of SES looks at: nothing of theirs is owed or in doubt."""
        owed = {mark.domain for mark in DomainMark.objects.all() if mark.owed}
        return self.disturbed - owed - set(UnansweredCall.objects.values_list("entry__domain", flat=True))
