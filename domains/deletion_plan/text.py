"""A deletion plan in sentences: what `plan_delete` prints, and what the admin shows before it deletes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from backoffice.text import UNCERTAIN, Section
from domains.cleanup.text import amount
from domains.deletion_plan.model import DeletionPlan, FromDatabase, Rows, StoredMail
from domains.dependents import EndpointUse, Names
from domains.dns.leftovers import Published, State
from ses_integration.plan.simulate import CallTiming, Forecast, IdentityOutcome, RuleChange

SHOWN_RECIPIENTS = 10
SHOWN_CALLS = 20
OTHERS = "It has, or may yet get, others that are no addresses of the domain any more; those go, too."

FATES = {
    IdentityOutcome.DELETED: "The SES identity goes: it was created by this installation.",
    IdentityOutcome.KEPT: "The SES identity stays: it was not created by this installation.",
    IdentityOutcome.UNKNOWN: "The SES identity goes if it turns out to be ours: SES is asked first.",
    IdentityOutcome.NONE: "No SES identity is known.",
}
WHEN = {
    CallTiming.NOW: "",
    CallTiming.DEPENDS: ", if the answer before says so",
    CallTiming.SETTLED: ", once an earlier call without an answer can no longer be applied",
}


def sections(plan: DeletionPlan) -> list[Section]:
    """In the order in which things go, and then what stays; a section without lines is left out."""
    database, outside = plan.database, plan.outside
    parts: list[tuple[str, Iterable[str]]] = [
        ("", ["A deletion of this domain has begun; this goes on with it."] if database.deleting else []),
        (
            ses_title(plan.confirmed_at),
            [*rules(database.ses.rules), FATES[database.ses.identity], *database.ses.problems],
        ),
        ("Calls to SES", calls(database.ses, database.ses_seconds, outside.problem)),
        ("Rows", [counted(database.rows)]),
        ("Stored mail", [_stored_mail(outside.stored_mail)]),
        ("What stays", _stays(database)),
        ("In DNS, where you take it away yourself", _dns(outside.dns)),
    ]
    return filled(parts)


def filled(parts: Iterable[tuple[str, Iterable[str]]]) -> list[Section]:
    made = (Section(title, tuple(lines)) for title, lines in parts)
    return [section for section in made if section.lines]


def text(subject: str, found: Sequence[Section], *, certain: bool) -> str:
    """For a terminal."""
    blocks = [
        "\n".join([*([f"{section.title}:"] if section.title else []), *(f"- {line}" for line in section.lines)])
        for section in found
    ]
    end = "" if certain else f"\n\n{UNCERTAIN}"
    return f"Deleting {subject} does this. Nothing has been changed.\n\n" + "\n\n".join(blocks) + end


def ses_title(confirmed_at: datetime | None) -> str:
    return f"SES, as confirmed by {confirmed_at:%Y-%m-%d %H:%M:%S} UTC" if confirmed_at else "SES"


def rules(changes: Sequence[RuleChange]) -> Iterator[str]:
    if not changes:
        yield "No SES receipt rule is known for it."
    yield from map(_rule, changes)


def calls(ses: Forecast, seconds: float, problem: str) -> Iterator[str]:
    if not ses.calls:
        yield "None is needed."
    yield from (f"{call.action} {call.name}{WHEN[call.when]}" for call in ses.calls[:SHOWN_CALLS])
    if len(ses.calls) > SHOWN_CALLS:
        yield f"and {len(ses.calls) - SHOWN_CALLS} more"
    if seconds:
        yield f"At the allowed rate this takes about {seconds:g} s, if nothing else is sent."
    if ses.waiting:
        yield f"An earlier call has to settle before this can follow: {', '.join(ses.waiting)}."
    if problem:
        yield f"SES cannot be told now, and what is owed is kept until it can: {problem}"


def counted(rows: Rows) -> str:
    inactive = rows.email_addresses - rows.active_email_addresses
    note = f" ({inactive} inactive)" if inactive else ""
    return (
        f"{number(rows.blocked_emails, 'blocked email')}, {number(rows.email_addresses, 'email address', 'es')}{note}, "
        f"{number(rows.dns_records, 'DNS record')}"
    )


def number(count: int, noun: str, plural: str = "s") -> str:
    return f"{count:,} {noun}{'' if count == 1 else plural}"


def _rule(change: RuleChange) -> str:
    sentence = f"Receipt rule {change.name} {_becomes(change)}"
    if change.may_add:
        sentence += f" A call without an answer may still add {_named(change.may_add)}."
    elif not change.confirmed:
        sentence += " SES has not confirmed what it holds now."
    return f"{sentence} {OTHERS}" if change.others else sentence


def _becomes(change: RuleChange) -> str:
    before, after = change.before, change.after
    if after is None:
        return f"goes: {_named(before)}." if before else "goes."
    if before is None:
        return f"comes: {_named(after)}."
    lost, new = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    if not lost and not new:
        return f"{'keeps' if change.others else 'stays as it is:'} {_named(after)}."
    changes = [*([f"loses {_named(lost)}"] if lost else []), *([f"gets {_named(new)}"] if new else [])]
    return f"{' and '.join(changes)}, and then has {number(len(after), 'recipient')}."


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_RECIPIENTS:,} more" if len(names) > SHOWN_RECIPIENTS else ""
    return ", ".join(names[:SHOWN_RECIPIENTS]) + more


def _stored_mail(mail: StoredMail) -> str:
    size = mail.size
    verb = "stays, because KEEP_MAIL_ON_DOMAIN_DELETE is on" if mail.keeps else "goes, every version of it"
    if size.stored is None:
        return f"What is under {mail.location} {verb}. How much it is could not be looked up: {size.why}"
    least = "" if size.complete else "at least "
    return f"What is under {mail.location} {verb}: {least}{amount(size.stored)}."


def _stays(database: FromDatabase) -> Iterator[str]:
    if database.sub_domains:
        below = number(len(database.sub_domains), "domain")
        yield f"{below} below it, with all that is theirs: {_named(database.sub_domains)}."
    yield from map(_endpoint, database.endpoints)


def _endpoint(use: EndpointUse) -> str:
    uses = [
        *([f"the mail of {number(use.email_addresses, 'address', 'es')}"] if use.email_addresses else []),
        *(["the catch-all's"] if use.catch_all else []),
    ]
    after = "so does that of other domains" if use.used_elsewhere else "nothing else does"
    said = [f"{' and '.join(uses)} goes there, and {after}"] if uses else []
    return f"Endpoint {use.name}: {'; '.join([*said, *naming(use.names)])}."


def naming(names: Names) -> Iterator[str]:
    """What an endpoint's configuration still says when the addresses that it names are gone."""
    if names.forwards_to:
        yield f"it still forwards to {_named(names.forwards_to)}"
    if names.sends_from:
        yield f"it still sends from {names.sends_from}"


def _dns(records: Sequence[Published]) -> Iterator[str]:
    for it in records:
        if it.state is State.PUBLISHED:
            yield " ".join(filter(None, [f"{_record(it)} is published: {'; '.join(it.found)}.", it.hint]))
        elif it.state is State.UNKNOWN:
            yield f"{_record(it)} could not be looked up: {it.why}"
    if gone := [_record(it) for it in records if it.state is State.GONE]:
        yield "Nothing is left of the others." if len(gone) < len(records) else "Nothing is left."


def _record(it: Published) -> str:
    return f"{it.type} {it.name} ({it.purpose})"
