"""The one verb for the remote side: make SES hold, for a domain name, what the rows say (design, rule 2)."""

from __future__ import annotations

import logging
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Collection

from django.db import InterfaceError, OperationalError, connection

from ses_integration.conf import SesConfig, ses_config
from ses_integration.coordination import lease
from ses_integration.coordination.clock import database_now, pause
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.coordination.lease import HeldLease, LeaseLost
from ses_integration.errors import (
    Refused,
    RuleSetFull,
    SesError,
)
from ses_integration.models import DomainSync
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile import backoff, outbox, queue, record, send
from ses_integration.reconcile import intent as ledger
from ses_integration.reconcile.steps import Blocked, Intent, Locked, NameConflict, Settled, Wait, Yield

logger = logging.getLogger(__name__)

FIRST_POLL, LAST_POLL = 0.025, 0.2
# More calls than this on one thing, with no change of the rows in between, would be a plan that does not come to an end.
CALLS_PER_ENTRY = 8
FAILURES_OF_A_FIRST_PASS = 3
GATHER_AT_MOST = 0.5
CHANGING_AT_MOST = 0.5
WORKER_SECONDS_PER_DOMAIN = 20.0


def reconcile(domain: str, *, done: Callable[[], bool] | None = None) -> None:
    """Bring SES into line with the rows of `domain`, or wait for whoever is doing it, within the ambient budget.

    Returns when `done()` holds (default: every change up to now is applied), when the budget is spent, or when nothing
    can happen before it is. Says nothing about the outcome: ask `ses_integration.facts`. Call it outside transactions.
    """
    config = ses_config()
    done = done or _up_to_now(config, domain)
    with shared_deadline() as deadline:
        while not done():
            wait = queue.seconds_until_due(config, domain)
            if wait is None or time.monotonic() + wait >= deadline:
                return
            if wait == 0.0 and (held := lease.acquire(config)):
                if not with_lease(config, held, queue.next_domain(config, domain), deadline):
                    return
                continue
            # At random, and not longer and longer: who came last would look most often and always be first.
            poll = random.uniform(FIRST_POLL, LAST_POLL)  # noqa: S311 - jitter, no secret
            pause(min(poll, deadline - time.monotonic()))


def reconcile_due(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """The worker's step: every domain that is owed something and whose turn it is, one after the other; how many.

    Ends after about `seconds`, so that the worker's other steps get their turn; what is left is due the next time.
    """
    config = ses_config()
    until = time.monotonic() + seconds
    served = 0
    for domain in queue.due_domains(config):
        if stop() or time.monotonic() >= until:
            break
        held = queue.acquire_for_worker(config, stop)
        # A request may have served the domain, or failed to, since the list was made.
        if held and queue.seconds_until_due(config, domain) == 0.0:
            with_lease(config, held, domain, time.monotonic() + WORKER_SECONDS_PER_DOMAIN)
            served += 1
        elif held:
            lease.release(held)
    return served


def with_lease(config: SesConfig, held: HeldLease, domain: str, deadline: float) -> bool:
    """One pass over one domain; the lease is given back at the end, also when somebody else has taken it meanwhile.

    False if there was no time to go on: who comes again before `deadline` would only keep others off the lease.
    """
    try:
        return _pass(config, held, domain, deadline)
    except LeaseLost:
        logger.warning("The lease was lost while working on %s; its next holder goes on.", domain)
        return True
    except (OperationalError, InterfaceError):
        # The machine slept in the middle of a transaction, or the database was started anew: as if we had been killed there.
        logger.exception("The database took its connection away while working on %s.", domain)
        connection.close()
        return True
    except Exception:
        # A bug of ours: it must not keep the others waiting behind this domain, nor make a 500 of what is committed.
        logger.exception("The pass over %s failed.", domain)
        bug = Refused("inbound itself has failed; its log says why.")
        backoff.postpone(config, domain, [bug], Blocked(outbox.generation(domain), until=None))
        return True
    finally:
        lease.release(held)


def _pass(config: SesConfig, held: HeldLease, domain: str, deadline: float) -> bool:
    failed: dict[tuple[ResourceKind, str], SesError] = {}
    made: Counter[tuple[ResourceKind, str, int]] = Counter()
    gathered: int | None = None
    gathering_since: float | None = None
    changing_since: float | None = None
    called = full = False
    while (in_time := time.monotonic() < deadline) or failed:
        # What has failed is noted even when the time is up: why, and when it is tried again.
        step = ledger.next_step(
            config, held, domain, failed=failed, gathered=gathered, called=called, may_call=in_time, full=full
        )
        match step:
            case Settled() | Yield():
                return True
            case Locked():
                changing_since = changing_since or time.monotonic()
                if not in_time or time.monotonic() - changing_since > CHANGING_AT_MOST:
                    return True
                pause(FIRST_POLL)
            case Blocked():
                backoff.postpone(config, domain, failed.values(), step)
                return True
            case NameConflict():
                failed[step.call.key] = Refused("Another domain has a rule of this name.", attention=True)
            case Wait():
                if not in_time or time.monotonic() + step.seconds > deadline:
                    return False
                # As long as more comes in, but not for ever: the next call should take all of them along.
                gathering_since = gathering_since or time.monotonic()
                more = step.generation is not None and time.monotonic() - gathering_since < GATHER_AT_MOST
                gathered = step.generation if more else None
                pause(step.seconds)
            case Intent():
                gathered, gathering_since, changing_since, called = step.generation, None, None, True
                answer = send.answer(config, step, deadline)
                record.record(config, held, step, answer)
                key = step.call.key
                made[*key, step.generation] += 1
                if isinstance(answer.error, RuleSetFull) and not full:
                    full = True
                elif answer.error is not None and send.is_failure(answer.error, step.call):
                    failed[key] = answer.error
                elif made[*key, step.generation] >= CALLS_PER_ENTRY:
                    failed[key] = Refused("SES keeps changing its answer.")
                if _is_out_of_order(config, domain, failed.values()):
                    backoff.postpone(config, domain, failed.values(), Blocked(step.generation, until=None))
                    return True
    return False


def _is_out_of_order(config: SesConfig, domain: str, errors: Collection[SesError]) -> bool:
    """Whether so many calls have failed which may succeed later that the others most likely would as well.

    Twice as many each time, as the passes get rarer: some that always fail must not hold up the others for ever.
    """
    transient = sum(not error.attention for error in errors)
    if transient < FAILURES_OF_A_FIRST_PASS:
        return False
    attempts = DomainSync.objects.of(config).filter(domain=domain).values_list("attempts", flat=True).first() or 0
    return transient >= FAILURES_OF_A_FIRST_PASS << min(attempts, 10)


def _up_to_now(config: SesConfig, domain: str) -> Callable[[], bool]:
    """Whether what has changed until this moment is applied. Who waited for later changes, too, might wait for ever."""
    sync = DomainSync.objects.of(config).filter(domain=domain)
    generation = sync.values_list("generation", flat=True).first() or 0

    def applied() -> bool:
        behind = sync.filter(observed_generation__lt=generation).exists()
        return not behind and not queue.in_flight_calls(config, domain).filter(until__lte=database_now()).exists()

    return applied
