"""The reconcile loop, which passes over one domain after the other."""

from __future__ import annotations

import logging
import math
import random
import time
from collections import Counter
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection

from ses_integration.conf import ses_config
from ses_integration.coordination import lease
from ses_integration.coordination.clock import pause
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.lease import LeaseLost
from ses_integration.errors import Refused, RuleSetFull
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile import backoff, outbox, queue, send, step
from ses_integration.reconcile.queue import Progress
from ses_integration.reconcile.values import (
    Answered,
    Blocked,
    Intent,
    LeaseTaken,
    Locked,
    NameConflict,
    PassState,
    Settled,
    Step,
    Wait,
    Yield,
)

logger = logging.getLogger(__name__)

POLL_MIN_SECONDS, POLL_MAX_SECONDS = 0.025, 0.2
# Above this many calls for an unchanged resource, the plan is not converging.
CALLS_PER_RESOURCE = 8
BATCH_MAX_SECONDS = 0.5
LOCKED_MAX_SECONDS = 0.5
WORKER_SECONDS_PER_DOMAIN = 20.0


def reconcile(domain: str, generation: int | None = None) -> bool:
    """Make SES follow the rows of `domain`, or wait for the process that does, until the shared deadline.

    Returns whether `generation` is observed, by default the current one; a caller that has just committed a change passes its
    generation. Also waits for a call without an answer, if it can be repeated before the deadline. Gives up at once if nothing
    can happen before that. Call it outside transactions, and ask status/confirmation.py what may be claimed.
    """
    config = ses_config()
    with shared_deadline() as deadline:
        # A change that has just been committed needs no look-up: there is something to do.
        progress = queue.progress(config, domain) if generation is None else Progress(seconds_until_change=0.0)
        target = progress.generation if generation is None else generation
        while (wait := progress.seconds_until_step_to(target)) is not None and time.monotonic() + wait < deadline:
            last: Step = LeaseTaken()
            if wait == 0.0:
                state = PassState(config, domain)
                served, last = serve(state, deadline)
                if served == domain and isinstance(last, Settled) and last.generation >= target and not last.in_flight:
                    return True
                needs_attention = any(error.needs_attention for error in state.failed.values())
                if isinstance(last, Wait) or (served == domain and needs_attention):
                    break
            if isinstance(last, LeaseTaken | Locked):
                # Do not lengthen the pauses: the newest request would then poll most often and always win.
                poll = random.uniform(POLL_MIN_SECONDS, POLL_MAX_SECONDS)  # noqa: S311 - jitter, no secret
                pause(min(poll, deadline - time.monotonic()))
            progress = queue.progress(config, domain)
    return progress.observed_generation >= target


def reconcile_due(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """Reconcile every domain that is due, and return how many. For the worker.

    Ends after about `seconds` or when `stop()` is true.
    """
    config = ses_config()
    until = time.monotonic() + seconds
    served = 0
    for domain in queue.due_domains(config):
        if stop() or time.monotonic() >= until:
            break
        held = queue.acquire_for_worker(config, stop)
        # A request may have served the domain, or put it in back-off, since the list was made.
        if held and queue.progress(config, domain).seconds_until_due == 0.0:
            serve(PassState(config, domain, held), time.monotonic() + WORKER_SECONDS_PER_DOMAIN)
            served += 1
        elif held:
            lease.release(held)
    return served


def serve(state: PassState, deadline: float) -> tuple[str, Step]:
    """Run one pass, and release its lease. Logs errors instead of raising them.

    Returns the domain that was served and the last step. `Wait` means that too little time is left: another try before the
    deadline would only keep others from the lease.
    """
    # After an error, too, others go first.
    last: Step = Yield()
    try:
        last = _Pass(state, deadline).run()
    except LeaseLost:
        logger.warning("The lease was lost while working on %s; its next holder goes on.", state.domain)
    except (OperationalError, InterfaceError):
        # The host was suspended in a transaction, or the database was restarted. Same as a crash at this point.
        logger.exception("The database connection was lost while working on %s.", state.domain)
        connection.close()
    except Exception:
        # A bug. It must neither hold up the other domains nor turn a committed change into a 500.
        logger.exception("The pass over %s failed.", state.domain)
        bug = Refused("Internal error in inbound; see its log.")
        backoff.postpone(state.config, state.domain, [bug], Blocked(outbox.generation(state.domain), until=None))
    finally:
        if state.held is not None:
            lease.release(state.held)
    return state.domain, last


class _Pass:
    """One pass: plan, send and record one call after the other, until nothing is left to do or time runs out."""

    def __init__(self, state: PassState, deadline: float) -> None:
        self.state = state
        self.deadline = deadline
        self.calls: Counter[tuple[ResourceKind, str, int]] = Counter()
        self.batching_since: float | None = None
        self.locked_since: float | None = None

    def run(self) -> Step:
        """Run the pass, and return its last step. `Wait` means that too little time is left."""
        answered: Answered | None = None
        # Answers and failures are recorded even after the deadline.
        while (in_time := time.monotonic() < self.deadline) or answered or self.state.failed:
            found = step.advance(self.state, answered, may_call=in_time)
            answered = None
            match found:
                case Settled() | Yield() | LeaseTaken():
                    return found
                case Blocked():
                    backoff.postpone(self.state.config, self.state.domain, self.state.failed.values(), found)
                    return found
                case NameConflict():
                    conflict = Refused("Another domain has a rule of this name.", needs_attention=True)
                    self.state.failed[found.call.key] = conflict
                case Locked():
                    if self.state.held is None or not in_time or not self._may_wait_for_lock():
                        return found
                    pause(POLL_MIN_SECONDS)
                case Wait():
                    if not in_time or time.monotonic() + found.seconds > self.deadline:
                        return found
                    self._wait(found)
                case Intent():
                    answered = self._send(found)
        return Wait(0.0)

    def _may_wait_for_lock(self) -> bool:
        self.locked_since = self.locked_since or time.monotonic()
        return time.monotonic() - self.locked_since <= LOCKED_MAX_SECONDS

    def _wait(self, wait: Wait) -> None:
        """Wait. Batch further changes for up to BATCH_MAX_SECONDS."""
        self.batching_since = self.batching_since or time.monotonic()
        may_batch_more = wait.generation is not None and time.monotonic() - self.batching_since < BATCH_MAX_SECONDS
        self.state.batched_generation = wait.generation if may_batch_more else None
        self.state.has_waited = True
        pause(wait.seconds)

    def _send(self, intent: Intent) -> Answered:
        """Send the call, and note for the next plan what became of it."""
        state, key = self.state, intent.call.key
        state.batched_generation, state.has_called = intent.generation, True
        self.batching_since = self.locked_since = None
        answer = send.send_once(state.config, intent, self.deadline)
        self.calls[*key, intent.generation] += 1
        if isinstance(answer.error, RuleSetFull) and not state.rule_set_full:
            state.rule_set_full = True
        elif answer.error is not None and send.is_failure(answer.error, intent.call):
            state.failed[key] = answer.error
        elif self.calls[*key, intent.generation] >= CALLS_PER_RESOURCE:
            state.failed[key] = Refused(f"The rule or identity did not settle after {CALLS_PER_RESOURCE} calls.")
        return Answered(intent, answer)
