"""The reconcile loop, which passes over one domain after the other."""

from __future__ import annotations

import logging
import math
import random
import time
from collections import Counter
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection

from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination import lease
from ses_integration.coordination.clock import database_now, pause
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.lease import HeldLease, LeaseLost
from ses_integration.errors import Refused, RuleSetFull
from ses_integration.models import DomainSync
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile import backoff, intent, outbox, queue, record, send
from ses_integration.reconcile.steps import Blocked, Intent, Locked, NameConflict, PassState, Settled, Wait, Yield

logger = logging.getLogger(__name__)

POLL_MIN_SECONDS, POLL_MAX_SECONDS = 0.025, 0.2
# Above this many calls for an unchanged resource, the plan is not converging.
CALLS_PER_RESOURCE = 8
MAX_FAILURES_OF_FIRST_PASS = 3
BATCH_MAX_SECONDS = 0.5
LOCKED_MAX_SECONDS = 0.5
WORKER_SECONDS_PER_DOMAIN = 20.0


def reconcile(domain: str, generation: int | None = None) -> bool:
    """Make SES follow the rows of `domain`, or wait for the process that does, until the shared deadline.

    Returns whether `generation` (default: the current one) is observed. Gives up at once if nothing can happen before the
    deadline. Call it outside transactions, and ask status/confirmation.py what may be claimed.
    """
    config = ses_config()
    with shared_deadline() as deadline:
        observed = _observed(config, domain, outbox.generation(domain) if generation is None else generation)
        while not observed():
            wait = queue.seconds_until_due(config, domain)
            if wait is None or time.monotonic() + wait >= deadline:
                return False
            if wait == 0.0 and (held := lease.acquire(config)):
                if not with_lease(config, held, queue.next_domain(config, domain), deadline):
                    return False
                continue
            # Do not lengthen the pauses: the newest request would then poll most often and always win.
            poll = random.uniform(POLL_MIN_SECONDS, POLL_MAX_SECONDS)  # noqa: S311 - jitter, no secret
            pause(min(poll, deadline - time.monotonic()))
    return True


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
        if held and queue.seconds_until_due(config, domain) == 0.0:
            with_lease(config, held, domain, time.monotonic() + WORKER_SECONDS_PER_DOMAIN)
            served += 1
        elif held:
            lease.release(held)
    return served


def with_lease(config: SesConfig, held: HeldLease, domain: str, deadline: float) -> bool:
    """Run one pass over one domain and release the lease. Logs errors instead of raising them.

    Returns False if too little time is left: another try before `deadline` would only keep others from the lease.
    """
    try:
        return _Pass(PassState(config, held, domain), deadline).run()
    except LeaseLost:
        logger.warning("The lease was lost while working on %s; its next holder goes on.", domain)
        return True
    except (OperationalError, InterfaceError):
        # The host was suspended in a transaction, or the database was restarted. Same as a crash at this point.
        logger.exception("The database connection was lost while working on %s.", domain)
        connection.close()
        return True
    except Exception:
        # A bug. It must neither hold up the other domains nor turn a committed change into a 500.
        logger.exception("The pass over %s failed.", domain)
        bug = Refused("Internal error in inbound; see its log.")
        backoff.postpone(config, domain, [bug], Blocked(outbox.generation(domain), until=None))
        return True
    finally:
        lease.release(held)


class _Pass:
    """One pass: plan, send and record one call after the other, until nothing is left to do or time runs out."""

    def __init__(self, state: PassState, deadline: float) -> None:
        self.state = state
        self.deadline = deadline
        self.calls: Counter[tuple[ResourceKind, str, int]] = Counter()
        self.batching_since: float | None = None
        self.locked_since: float | None = None

    def run(self) -> bool:
        """Run the pass. Returns False if too little time is left."""
        # Failures are recorded even after the deadline.
        while (in_time := time.monotonic() < self.deadline) or self.state.failed:
            step = intent.next_step(self.state, may_call=in_time)
            match step:
                case Settled() | Yield():
                    return True
                case Blocked():
                    self._postpone(step)
                    return True
                case NameConflict():
                    conflict = Refused("Another domain has a rule of this name.", needs_attention=True)
                    self.state.failed[step.call.key] = conflict
                case Locked():
                    if not in_time or not self._may_wait_for_lock():
                        return True
                    pause(POLL_MIN_SECONDS)
                case Wait():
                    if not in_time or time.monotonic() + step.seconds > self.deadline:
                        return False
                    self._wait(step)
                case Intent():
                    self._send_and_record(step)
                    if self._has_too_many_failures():
                        self._postpone(Blocked(step.generation, until=None))
                        return True
        return False

    def _may_wait_for_lock(self) -> bool:
        self.locked_since = self.locked_since or time.monotonic()
        return time.monotonic() - self.locked_since <= LOCKED_MAX_SECONDS

    def _wait(self, step: Wait) -> None:
        """Wait. Batch further changes for up to BATCH_MAX_SECONDS."""
        self.batching_since = self.batching_since or time.monotonic()
        may_batch_more = step.generation is not None and time.monotonic() - self.batching_since < BATCH_MAX_SECONDS
        self.state.batched_generation = step.generation if may_batch_more else None
        pause(step.seconds)

    def _send_and_record(self, step: Intent) -> None:
        state, key = self.state, step.call.key
        state.batched_generation, state.has_called = step.generation, True
        self.batching_since = self.locked_since = None
        answer = send.send_once(state.config, step, self.deadline)
        record.record(state.config, state.held, step, answer)
        self.calls[*key, step.generation] += 1
        if isinstance(answer.error, RuleSetFull) and not state.rule_set_full:
            state.rule_set_full = True
        elif answer.error is not None and send.is_failure(answer.error, step.call):
            state.failed[key] = answer.error
        elif self.calls[*key, step.generation] >= CALLS_PER_RESOURCE:
            state.failed[key] = Refused(f"The rule or identity did not settle after {CALLS_PER_RESOURCE} calls.")

    def _has_too_many_failures(self) -> bool:
        """Whether so many calls have failed with transient errors that the others would probably fail, too.

        The limit doubles with each pass, because passes get rarer: calls that always fail must not hold up the others.
        """
        transient = sum(not error.needs_attention for error in self.state.failed.values())
        if transient < MAX_FAILURES_OF_FIRST_PASS:
            return False
        syncs = DomainSync.objects.of(self.state.config).filter(domain=self.state.domain)
        attempts = syncs.values_list("attempts", flat=True).first() or 0
        return transient >= MAX_FAILURES_OF_FIRST_PASS << min(attempts, 10)

    def _postpone(self, blocked: Blocked) -> None:
        backoff.postpone(self.state.config, self.state.domain, self.state.failed.values(), blocked)


def _observed(config: SesConfig, domain: str, generation: int) -> Callable[[], bool]:
    """Return a function that tells whether all changes up to `generation` are observed.

    Later changes do not count: with a steady stream of changes the wait would never end.
    """
    sync = DomainSync.objects.of(config).filter(domain=domain)

    def observed() -> bool:
        is_behind = sync.filter(observed_generation__lt=generation).exists()
        return not is_behind and not queue.in_flight_calls(config, domain).filter(until__lte=database_now()).exists()

    return observed
