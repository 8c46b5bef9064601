"""The one verb for the remote side: make SES hold, for a domain name, what the rows say (design, rule 2)."""

from __future__ import annotations

import logging
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Collection
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from ses_integration import account, capacity, clients, lease, ledger, marks, recording, schedule, setup
from ses_integration.budget import one_budget
from ses_integration.clock import database_now
from ses_integration.config import SesConfig, ses_config
from ses_integration.errors import (
    AlreadyThere,
    NoRoomForRules,
    NotConfigured,
    NotThere,
    Refused,
    RuleSetMissing,
    SesError,
    TooManyRecipients,
)
from ses_integration.gateway import Gateway
from ses_integration.lease import Held, LeaseLost
from ses_integration.models import DomainMark, UnansweredCall
from ses_integration.planning import Call, Kind, Operation
from ses_integration.steps import Answer, Changing, GiveWay, Intent, Later, Settled, Stuck, Taken
from ses_integration.waiting import pause

logger = logging.getLogger(__name__)

FIRST_POLL, LAST_POLL = 0.025, 0.2
# More calls than this on one thing, with no change of the rows in between, would be a plan that does not come to an end.
CALLS_PER_ENTRY = 8
FAILURES_OF_A_FIRST_PASS = 3
GATHER_AT_MOST = 0.5
CHANGING_AT_MOST = 0.5
WORKER_SECONDS_PER_DOMAIN = 20.0
YIELD_SECONDS = 5.0


def converge(domain: str, *, done: Callable[[], bool] | None = None) -> None:
    """Bring SES into line with the rows of `domain`, or wait for whoever is doing it, within the ambient budget.

    Returns when `done()` holds (default: every change up to now is applied), when the budget is spent, or when nothing
    can happen before it is. Says nothing about the outcome: ask `ses_integration.facts`. Call it outside transactions.
    """
    config = ses_config()
    done = done or _up_to_now(config, domain)
    with one_budget() as deadline:
        while not done():
            wait = _seconds_to_turn(config, domain)
            if wait is None or time.monotonic() + wait >= deadline:
                return
            if wait == 0.0 and (held := lease.acquire(config)):
                if not with_lease(config, held, _first_in_line(config, domain), deadline):
                    return
                continue
            # At random, and not longer and longer: who came last would look most often and always be first.
            poll = random.uniform(FIRST_POLL, LAST_POLL)  # noqa: S311 - jitter, no secret
            pause(min(poll, deadline - time.monotonic()))


def converge_due(stop: Callable[[], bool] = lambda: False, *, seconds: float = math.inf) -> int:
    """The worker's step: every domain that is owed something and whose turn it is, one after the other; how many.

    Ends after about `seconds`, so that the worker's other steps get their turn; what is left is due the next time.
    """
    config = ses_config()
    until = time.monotonic() + seconds
    served = 0
    for domain in _due(config):
        if stop() or time.monotonic() >= until:
            break
        held = _patiently(config, stop)
        # A request may have served the domain, or failed to, since the list was made.
        if held and _seconds_to_turn(config, domain) == 0.0:
            with_lease(config, held, domain, time.monotonic() + WORKER_SECONDS_PER_DOMAIN)
            served += 1
        elif held:
            lease.release(held)
    return served


def with_lease(config: SesConfig, held: Held, domain: str, deadline: float) -> bool:
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
        schedule.postpone(config, domain, [bug], Stuck(marks.generation(domain), until=None))
        return True
    finally:
        lease.release(held)


def _pass(config: SesConfig, held: Held, domain: str, deadline: float) -> bool:
    failed: dict[tuple[Kind, str], SesError] = {}
    made: Counter[tuple[Kind, str, int]] = Counter()
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
            case Settled() | GiveWay():
                return True
            case Changing():
                changing_since = changing_since or time.monotonic()
                if not in_time or time.monotonic() - changing_since > CHANGING_AT_MOST:
                    return True
                pause(FIRST_POLL)
            case Stuck():
                schedule.postpone(config, domain, failed.values(), step)
                return True
            case Taken():
                failed[step.call.key] = Refused("Another domain has a rule of this name.", attention=True)
            case Later():
                if not in_time or time.monotonic() + step.seconds > deadline:
                    return False
                # As long as more comes in, but not for ever: the next call should take all of them along.
                gathering_since = gathering_since or time.monotonic()
                more = step.generation is not None and time.monotonic() - gathering_since < GATHER_AT_MOST
                gathered = step.generation if more else None
                pause(step.seconds)
            case Intent():
                gathered, gathering_since, changing_since, called = step.generation, None, None, True
                answer = _answer(config, step, deadline)
                recording.record(config, held, step, answer)
                key = step.call.key
                made[*key, step.generation] += 1
                if isinstance(answer.error, NoRoomForRules) and not full:
                    full = True
                elif answer.error is not None and _is_failure(answer.error, step.call):
                    failed[key] = answer.error
                elif made[*key, step.generation] >= CALLS_PER_ENTRY:
                    failed[key] = Refused("SES keeps changing its answer.")
                if _is_out_of_order(config, domain, failed.values()):
                    schedule.postpone(config, domain, failed.values(), Stuck(step.generation, until=None))
                    return True
    return False


def _is_out_of_order(config: SesConfig, domain: str, errors: Collection[SesError]) -> bool:
    """Whether so many calls have failed which may succeed later that the others most likely would as well.

    Twice as many each time, as the passes get rarer: some that always fail must not hold up the others for ever.
    """
    transient = sum(not error.attention for error in errors)
    if transient < FAILURES_OF_A_FIRST_PASS:
        return False
    attempts = DomainMark.objects.of(config).filter(domain=domain).values_list("attempts", flat=True).first() or 0
    return transient >= FAILURES_OF_A_FIRST_PASS << min(attempts, 10)


def _is_failure(error: SesError, call: Call) -> bool:
    """Already there, gone and too many lead to the next plan; only what cannot go on now is a failure."""
    if isinstance(error, RuleSetMissing):
        return not call.operation.removes
    if isinstance(error, TooManyRecipients):
        return call.rule is None or not capacity.learns_from(len(call.rule.recipients))
    return not isinstance(error, AlreadyThere | NotThere)


def _answer(config: SesConfig, intent: Intent, deadline: float) -> Answer:
    """C. Send what was written down, once."""
    try:
        with clients.send_by(intent.send_by):
            return _send(config, intent.call, deadline)
    except RuleSetMissing as error:
        if config.auto_setup and not intent.call.operation.removes:
            try:
                setup.prepare(config)
                return Answer(error=Refused("The receipt rule set was missing; it has been made again."))
            except SesError as setup_error:
                return Answer(error=setup_error)
        return Answer(error=error)
    except SesError as error:
        return Answer(error=error)


def _send(config: SesConfig, call: Call, deadline: float) -> Answer:
    if call.rule is not None and not config.bucket:
        raise NotConfigured("S3_BUCKET_NAME is missing.")
    account.check(config)
    gateway = Gateway(config, seconds=deadline - time.monotonic())
    match call.operation:
        case Operation.CREATE_RULE | Operation.UPDATE_RULE:
            if call.rule is None:
                raise ValueError(f"{call.operation} without a rule")
            send = gateway.create_rule if call.operation is Operation.CREATE_RULE else gateway.update_rule
            send(call.rule)
        case Operation.DELETE_RULE:
            gateway.delete_rule(call.name)
        case Operation.CREATE_IDENTITY:
            return Answer(identity=gateway.create_identity(call.name))
        case Operation.READ_IDENTITY:
            return Answer(identity=gateway.read_identity(call.name))
        case Operation.VERIFY_DOMAIN:
            return Answer(token=gateway.verify_domain(call.name))
        case Operation.SET_MAIL_FROM:
            return Answer(mail_from=gateway.set_mail_from(call.name))
        case Operation.DELETE_IDENTITY:
            gateway.delete_identity(call.name)
    return Answer()


def _up_to_now(config: SesConfig, domain: str) -> Callable[[], bool]:
    """Whether what has changed until this moment is applied. Who waited for later changes, too, might wait for ever."""
    mark = DomainMark.objects.of(config).filter(domain=domain)
    generation = mark.values_list("generation", flat=True).first() or 0

    def applied() -> bool:
        behind = mark.filter(applied_generation__lt=generation).exists()
        return not behind and not _doubts(config, domain).filter(until__lte=database_now()).exists()

    return applied


def _doubts(config: SesConfig, domain: str) -> QuerySet[UnansweredCall]:
    return UnansweredCall.objects.of(config).filter(entry__domain=domain)


def _seconds_to_turn(config: SesConfig, domain: str) -> float | None:
    """How long until something can be done for the domain: 0 for now, None for nothing that we know of."""
    mark = DomainMark.objects.of(config).annotate(now=Now()).filter(domain=domain).first()
    if mark is None:
        return None
    if mark.owed:
        return 0.0 if mark.next_attempt is None else max(0.0, (mark.next_attempt - mark.now).total_seconds())
    until = _doubts(config, domain).order_by("until").values_list("until", flat=True).first()
    return None if until is None else max(0.0, (max(until, mark.next_attempt or until) - mark.now).total_seconds())


def _first_in_line(config: SesConfig, domain: str) -> str:
    """Whose turn it is when a request has the lease: the longest waiting of those whose requests may be waiting, too.

    Who only served its own domain would win by numbers: of many that wait for a busy domain one is always first. What has
    waited for longer than a request does is the worker's, so that a request is not held up by all that an outage left.
    """
    recent = Q(waiting_since__gt=Now() - timedelta(seconds=config.request_budget))
    line = marks.waiting(config).filter(recent | Q(domain=domain))
    with transaction.atomic():
        # Whose rows are being changed at this moment cannot be served, and would be first again and again.
        first = line.select_for_update(skip_locked=True).values_list("domain", flat=True).first()
    return first or domain


def _due(config: SesConfig) -> list[str]:
    """The worker's list: those that are behind, the longest waiting first, and then those with doubts that are due."""
    behind = list(marks.waiting(config).values_list("domain", flat=True))
    doubtful = UnansweredCall.objects.of(config).filter(until__lte=Now())
    turn = Q(next_attempt=None) | Q(next_attempt__lte=Now())
    their_turn = DomainMark.objects.of(config).filter(turn, domain__in=doubtful.values("entry__domain"))
    return list(dict.fromkeys([*behind, *their_turn.order_by("domain").values_list("domain", flat=True)]))


def _patiently(config: SesConfig, stop: Callable[[], bool]) -> Held | None:
    """The lease for the worker: requests that wait go first, but not for ever."""
    patience = time.monotonic() + YIELD_SECONDS
    while not stop():
        held = lease.acquire(config, background=time.monotonic() < patience)
        if held or time.monotonic() > patience + lease.LEASE_SECONDS:
            return held
        pause(LAST_POLL)
    return None
