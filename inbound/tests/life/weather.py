"""What AWS, time and the processes that converge do between two requests."""

from __future__ import annotations

from hypothesis import strategies as st

from domains.deletion import resume_deletions
from inbound.tests.life.world import World, names, picks, step
from inbound.worker import Worker
from ses_integration.convergence import converge_due
from ses_integration.emulator.server import Emulator
from ses_integration.errors import SesError
from ses_integration.lease import LeaseLost
from ses_integration.models import DomainMark, UnansweredCall
from ses_integration.sweep import sweep_database, sweep_ses
from ses_integration.tests.emulator.wire import control
from ses_integration.tests.steps import Writer

FAULTS = ("throttle", "fail", "access_denied", "dropped", "lost")
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


class Weather(World):
    """A call that was `dropped` is not lost: it lands when a rule says so, or never."""

    @step(fault=st.sampled_from(FAULTS), action=st.sampled_from(ACTIONS), times=st.sampled_from([1, 1, 2, None]))
    def faults_begin(self, fault: str, action: str, times: int | None) -> None:
        order = {"action": action, "fault": fault, "times": times}
        self.ses.add_faults({"service": "ses", **order}, {"service": "sesv2", **order})

    @step()
    def faults_end(self) -> None:
        self.ses.clear_faults()

    @step(pick=picks)
    def a_late_call_lands(self, pick: int) -> None:
        if not self.late:
            return
        call = self.late.pop(pick % len(self.late))
        self.note(f"{call}")
        _behaving(self.ses, call.land)

    @step()
    def next_attempts_are_due(self) -> None:
        self.next_attempts_come()

    @step()
    def what_had_no_answer_can_no_longer_land(self) -> None:
        self.calls_settle()

    # Processes

    @step()
    def the_worker_converges(self) -> None:
        self.waiting(patient=False)
        converge_due()

    @step()
    def the_worker_goes_on_with_deletions(self) -> None:
        self.waiting(patient=False)
        resume_deletions()

    @step()
    def the_worker_does_everything(self) -> None:
        self.waiting(patient=False)
        unmarked = self._unmarked()
        Worker().tick()
        self.bypassed.clear()
        if not self._in_trouble():
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

    def _in_trouble(self) -> bool:
        _, faults = control(self.ses.url, "GET", "/_faults")
        return bool(faults)


def _behaving(ses: Emulator, land) -> None:
    """Whatever waits for the next calls is not meant for one that is on its way already."""
    _, faults = control(ses.url, "GET", "/_faults")
    ses.clear_faults()
    land(ses)
    ses.clear_journal()
    ses.add_faults(*faults)
