"""Every sentence about the state, for all who show it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from backoffice.text import duration, listed, plural
from desk.state.values import Difference, Kind, Level, Quota, State
from mail.status.endpoints import TroubledEndpoint

ACT_ON_REFUSAL = "Put right what the reason names; docs/runbook.md says how. Then try it now."
ACT_ON_STORED_MAIL = "Allow what S3 refuses; ses_doctor checks the permissions. Then try the deletion now."
ACT_ON_ERASURE = "Allow what S3 refuses; ses_doctor checks the permissions."
ACT_ON_SOURCE = "Set SES_QUEUE_URL or MAIL_SOURCE for mail_worker."
ACT_ON_DOMAINS = "Publish their DNS records, which domain_dns prints, or delete them."
NO_MX = "Its MX record is missing or names other servers."
ACT_ON_QUOTA = "Delete domains and addresses that are not needed any more, or have AWS raise the quota."
ACT_ON_DEAD = "Find out why on the pages of the deliveries, then retry or withdraw them."
ACT_ON_UNTOLD = "Repair the receiver. Then retry them, or withdraw them."
ACT_ON_ENDPOINT = "Repair the receiver, or switch the endpoint on; mail_retry delivers what waits."
CHECK_REGION = "Check AWS_REGION and SES_RULE_SET. If they were changed on purpose, run ses_cleanup."
ACT_ON_RULE_SET = "Run ses_setup."
ACT_ON_FOREIGN_RULE = "Have its owner disable it, or remove our domains from it."
ACT_ON_ORDER = "ses_reconcile --apply moves our rules to the front."
CLEANS_UP = "ses_cleanup --apply"
CLEAN_UP = f"{CLEANS_UP} removes what is ours."
NOT_ACTIVE = "the rule set does not receive mail"
OUT_OF_ORDER = "behind a rule that is not ours"
NOT_COMPARED = "SES could not be compared with the database"
ACT_ON_STUCK_WORKER = "Its log may say why. Start the worker again."
ACT_ON_DEATHS = "Look into its log, and into that of the machine: it may lack memory."
QUEUE = "the queue of notifications"
NOT_MEASURED = "its length is not known"
NOT_SAME_QUEUE = "No mail_worker has measured it, although one runs."
ACT_ON_OTHER_QUEUE = "Give mail_worker the same SES_QUEUE_URL as here, and look into its log."
ACT_ON_DEAD_LETTERS = 'docs/runbook.md, "Dead letters", says how to find out why and to read them again.'
UNVERIFIED = "finished, but not verified in SES and S3"
NAME_CHANGES = "A domain of this name was added again, and waits for SES."
GOES_ON = "Put right what the reason names. It then goes on by itself."
# By kind, and whether it has failed: what it is, and what to do.
ARCHIVE = {
    ("export", False): ("its export does not go on", GOES_ON),
    ("export", True): ("its export has failed", "Put right what the reason names, and export the domain again."),
    ("import", False): ("the import of its mail does not go on", GOES_ON),
    ("import", True): (
        "the import of its mail has failed",
        "Put right what the reason names, and import the same file again.",
    ),
}
MAIL_SWEEP = "the bucket cannot be compared with the received mail"


def headline(state: State) -> str:
    """The state in a sentence or two, for the top of a page."""
    dead = [finding.what for finding in state.findings if finding.kind is Kind.WORKER and not finding.why]
    others = state.number(Level.NEEDS_YOU) - len(dead)
    waiting = state.number(Level.PENDING) + state.number(Level.UNCONFIRMED)
    going_on = sum(tally.number for tally in state.goes_on.values())
    sentences = [f"{'; '.join(dead)}."] if dead else []
    if stuck := waiting - going_on:
        sentences.append(f"{plural(stuck, 'thing')} {'waits' if stuck == 1 else 'wait'} for one.")
    if others:
        sentences.append(needs_you(others, "more thing" if dead else "thing"))
    elif not dead:
        sentences.append("Nothing needs you.")
    if going_on:
        sentences.append(_goes_on(state, going_on))
    elif not waiting and not dead:
        sentences.append("Nothing is pending.")
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)


def conclusion(state: State) -> str:
    """The last line of a command."""
    return "Everything is up to date." if state.is_settled else headline(state)


def facts(state: State) -> list[str]:
    """What is known besides the findings: workers, mail, and the last comparison with SES."""
    alive = [worker for worker in state.workers if worker.is_alive]
    heard = [f"{one.kind} on {one.host}, heard of {duration(state.at - one.last_round_at)} ago" for one in alive]
    mail = f"last mail {duration(state.at - state.mail.last_at)} ago" if state.mail.last_at else "no mail is stored"
    silent = f"; {plural(state.mail.silent, 'verified domain')} had none for seven days" if state.mail.silent else ""
    lost = f"; {without_records(state.mail.unreachable)}" if state.mail.unreachable else ""
    restorable = [f"{can_be_restored(state.deletions_restorable)}."] if state.deletions_restorable else []
    return [
        f"Workers: {listed(heard) or 'none'}.",
        f"Mail: {mail}, {state.mail.in_24_hours:,} in 24 hours{silent}{lost}.",
        f"{compared(state)}.",
        *restorable,
    ]


def can_be_restored(number: int) -> str:
    return f"{plural(number, 'deleted domain')} can be restored"


def compared(state: State) -> str:
    if state.sweep is None or state.sweep.ended_at is None:
        return "Not compared with SES yet"
    return f"Compared with SES {duration(state.at - state.sweep.ended_at)} ago"


def more(state: State) -> list[str]:
    """A line if not all findings are listed."""
    return [f"and {state.left_out:,} more"] if state.left_out > 0 else []


def needs_you(number: int, noun: str = "thing") -> str:
    return f"{plural(number, noun)} {'needs' if number == 1 else 'need'} you."


def _goes_on(state: State, number: int) -> str:
    """Only said of what a worker that is alive does."""
    oldest = min((tally.since for tally in state.goes_on.values() if tally.since), default=None)
    age = f", the oldest for {duration(state.at - oldest)}" if oldest else ""
    return f"{plural(number, 'thing')} {'is' if number == 1 else 'are'} pending{age}; the workers go on by themselves."


def start(kind: str) -> str:
    return f"Start it: manage.py {kind}. Until then, nothing that waits for it is done."


def no_sweep(longest: timedelta) -> str:
    return f"An ses_worker runs, but has compared nothing for more than {duration(longest)}."


def died(times: int, span: timedelta) -> str:
    return f"It has died {times:,} times in {duration(span)}."


def foreign_rule(one: Difference, taken: Sequence[str]) -> str:
    """`is not ours and takes mail of a.org and b.org`"""
    return f"is not ours and takes mail of {'every domain' if one.takes_everything else listed(taken, 3)}"


def leftover(one: Difference) -> str:
    return f"{'an' if one.kind[0] in 'aeiou' else 'a'} {one.kind} that no domain wants"


def sentence(reason: str) -> str:
    """A reason of `ses_reconcile` with its full stop, because something may follow."""
    return f"{reason}." if reason and not reason.endswith(".") else reason


def rules(number: int) -> str:
    return plural(number, "rule")


def quota(one: Quota) -> str:
    """`180 of 200 rules (20 not ours)`."""
    foreign = f" ({one.foreign:,} not ours)" if one.foreign else ""
    return f"{one.used:,} of {one.limit:,} {one.name}{foreign}"


def left_elsewhere(contents: str) -> str:
    return f"SES may still hold {contents} of ours there"


def do_not_receive(number: int) -> str:
    if number == 1:
        return "receives no mail: its DNS records are missing or wrong"
    return "receive no mail: their DNS records are missing or wrong"


def without_records(domains: int) -> str:
    return f"{plural(domains, 'domain')} without DNS records"


def deletion_behind(lag: str) -> str:
    return f"deletion: {lag}"


def deletion(steps: str) -> str:
    return f"still to be deleted: {steps}"


def to_read(number: int) -> str:
    return f"{plural(number, 'mail')} to read"


def to_deliver(number: int) -> str:
    return f"{plural(number, 'delivery')} to make"


def to_tell(number: int) -> str:
    return f"{plural(number, 'event')} to tell"


def to_erase(number: int) -> str:
    return f"{plural(number, 'mail')} to erase"


def dead(number: int) -> str:
    return f"{plural(number, 'delivery')} given up"


def untold(number: int) -> str:
    return f"{plural(number, 'event')} given up"


def dead_letters(number: int) -> str:
    return f"{plural(number, 'notification')} in the dead-letter queue"


def endpoint(one: TroubledEndpoint) -> str:
    waiting = f"; {plural(one.waiting, 'delivery')} waiting" if one.waiting else ""
    return f"endpoint {one.trouble}{waiting}"
