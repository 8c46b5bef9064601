"""The findings of `ses_cleanup` as text for people and as plain values for programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, NamedTuple

from backoffice.text import moment, one_line, plural, shortened
from domains.cleanup.find import Findings, Folder, LostMail, Orphan
from domains.models import DomainDeletion
from ses_integration.cli.leftovers import NEEDED, Drift, PreviousScope, ReferenceMail

NOTHING = "Nothing is left over, and nothing is pending."
COMMANDS_SHOWN = 10
APPLY = "ses_cleanup --apply"
UNRECORDED = f"so it may belong to another installation. If it is yours, run {APPLY} --domain"


class Shown(NamedTuple):
    """One finding: its JSON value, and its text, in which `!` marks what --apply removes."""

    value: Any
    text: str


def report(found: Findings) -> str:
    """The findings as text, group by group, each with what to do about it."""
    groups = [(title, list(findings)) for _, title, findings in _groups(found)]
    texts = ["\n".join([f"{title}:", *(shown.text for shown in findings)]) for title, findings in groups if findings]
    return "\n\n".join([*texts, NOTHING] if found.nothing_left else texts)


def as_values(found: Findings) -> dict[str, Any]:
    values: dict[str, Any] = {key: [shown.value for shown in findings] for key, _, findings in _groups(found)}
    return values | {"owed": found.left.pending, "nothing_left": found.nothing_left}


def _groups(found: Findings) -> list[tuple[str, str, Iterable[Shown]]]:
    """The kinds of findings: JSON key, title and findings."""
    left, retried = found.left, "the worker retries by itself,"
    return [
        ("orphans", "Orphans in SES, ours and in no ledger", map(_orphan, found.orphans)),
        ("suspects", "Not ours despite our prefix; left alone", map(_lookalike, left.lookalikes)),
        ("stored_mail", "Stored mail without a domain", map(_folder, found.folders)),
        ("lost_mail", "Mail in the database without a domain", map(_lost_mail, found.lost_mail)),
        ("reference_mail", "Stored by the reference service; left alone", map(_reference, left.reference_mail)),
        ("former", "Left behind when AWS_REGION or SES_RULE_SET changed", map(_scope, left.previous_scopes)),
        ("owed", f"Pending in SES; {retried} ses_sync retries now", map(_pending, left.pending.items())),
        ("deletions", f"Unfinished deletions; {retried} {APPLY} retries now", map(_deletion, found.deletions)),
    ]


def _orphan(orphan: Orphan) -> Shown:
    found = orphan.found
    value = {
        "kind": found.resource,
        "name": found.name,
        "domain": found.domain,
        "recipients": list(found.recipients),
        "recorded": orphan.recorded,
        "needed": found.needed,
        "removable": orphan.removable,
    }
    if orphan.removable:
        return Shown(value, f"! {_resource(found)}")
    why = f"Its domain is unknown here, {UNRECORDED} {found.domain}"
    if found.needed:
        why = f"{NEEDED[0].upper()}{NEEDED[1:]}"
    return Shown(value, f"? {_resource(found)}. {why}")


def _lookalike(rule: Drift) -> Shown:
    value = {"name": rule.name, "recipients": list(rule.recipients), "why": rule.reason}
    return Shown(value, f"  {_resource(rule)} ({rule.reason})")


def _resource(found: Drift) -> str:
    recipients = ", ".join(found.recipients) or ("every address of every domain" if found.resource == "rule" else "")
    return f"{found.resource} {found.name}" + (f": {recipients}" if recipients else "")


def _folder(folder: Folder) -> Shown:
    text = f"{one_line(folder.prefix)}: {folder.stored}"
    if folder.in_use:
        identity = f"Its identity belongs to installation {folder.owner}"
        why = f"Rule {folder.rule} stores mail there" if folder.rule else identity
        text = f"  {text}. {why}, so it is left alone."
    elif folder.removable:
        text = f"! {text}"
    else:
        text = f"? {text}. No deletion of it is recorded here, {UNRECORDED} {one_line(folder.domain)}"
    return Shown(asdict(folder), text)


def _lost_mail(mail: LostMail) -> Shown:
    return Shown(asdict(mail), f"! {one_line(mail.domain)} ({mail.domain_id}): {plural(mail.mails, 'mail')}")


def _reference(mail: ReferenceMail) -> Shown:
    return Shown(asdict(mail), f"  emails/{one_line(mail.domain)}/: {mail.stored}")


def _scope(scope: PreviousScope) -> Shown:
    at = f"--region {scope.region}"
    rule = f"aws ses delete-receipt-rule {at} --rule-set-name {scope.rule_set} --rule-name"
    identity = f"aws sesv2 delete-email-identity {at} --email-identity"
    tags = f"aws sesv2 get-email-identity {at} --query Tags --email-identity"
    lines = [
        f"> {scope.place}: {scope.contents}.",
        f"    If the change was a mistake, undo it. Otherwise remove these, and {APPLY} forgets them:",
        *_commands([f"{rule} {name}" for name in scope.rules] + [f"{identity} {name}" for name in scope.identities]),
    ]
    if scope.unclear:
        lines += [
            "    It was never known whether these identities are ours. Look at the tag `inbound` first, and delete only those "
            "where it is INSTALLATION_ID:",
            *_commands([f"{tags} {name}" for name in scope.unclear]),
        ]
    return Shown(asdict(scope), "\n".join(lines))


def _commands(commands: list[str]) -> list[str]:
    return [f"    {line}" for line in shortened(commands, COMMANDS_SHOWN, note=": --json names them all")]


def _pending(item: tuple[str, str]) -> Shown:
    return Shown(item, f"* {': '.join(item)}")


def _deletion(record: DomainDeletion) -> Shown:
    value = {"id": record.pk, "domain": record.name, "owed": record.pending_steps, "problem": record.problem}
    text = f"* deletion of {record.name} ({record.pk}): {record.labels(record.pending_steps)}"
    problem = f". {record.problem}" if record.problem else ""
    next_try = f" Next try {moment(record.retry_at)}." if record.retry_at else ""
    return Shown(value, f"{text}{problem}{next_try}")
