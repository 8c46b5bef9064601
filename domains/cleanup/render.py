"""The findings of `ses_cleanup` as text for people and as plain values for programs.

What the database says comes first: it is known at once, also while AWS does not answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

from backoffice.shell.output import members
from backoffice.text import moment, one_line, plural, shortened
from domains.cleanup.find import Findings, Folder, InAws, InDatabase, LostMail, Orphan
from domains.models import DomainDeletion
from ses_integration.cli.leftovers import NEEDED, Drift, PreviousScope, ReferenceMail

NOTHING = "Nothing is left over, and nothing is pending."
COMMANDS_SHOWN = 10
APPLY = "ses_cleanup --apply"
SIGNS = {
    "!": f"{APPLY} removes it",
    "?": "may be needed, or belong to another installation",
    "*": "is tried again",
    ">": "is for you to remove",
}
UNRECORDED = f"so it may belong to another installation. If it is yours, run {APPLY} --domain"


# JSON key, title and findings.
Group: TypeAlias = "tuple[str, str, Iterable[Shown]]"


class Shown(NamedTuple):
    """One finding: its JSON value, and its text, which begins with a sign (`SIGNS`)."""

    value: Any
    text: str


def database_report(found: InDatabase) -> str:
    """The findings as text, group by group, each with what to do about it."""
    return _text(_database_groups(found))


def aws_report(found: InAws) -> str:
    missed = [f"Not looked at: {place}. {why}" for place, why in found.left.not_looked_at.items()]
    return "\n\n".join(filter(None, [_text(_aws_groups(found)), *missed]))


def conclusion(found: Findings) -> str:
    """That nothing is left, or what the signs in the report mean."""
    if found.nothing_left:
        return NOTHING
    lines = f"{database_report(found.database)}\n{aws_report(found.aws)}".splitlines()
    used = [f"{sign} {meaning}" for sign, meaning in SIGNS.items() if any(line.startswith(sign) for line in lines)]
    return f"Signs: {'; '.join(used)}." if used else ""


def as_values(found: Findings) -> dict[str, Any]:
    groups = [*_database_groups(found.database), *_aws_groups(found.aws)]
    values: dict[str, Any] = {key: [shown.value for shown in findings] for key, _, findings in groups}
    return values | {
        "owed": found.database.recorded.pending,
        "notLookedAt": found.aws.left.not_looked_at,
        "nothingLeft": found.nothing_left,
    }


def _text(groups: Iterable[Group]) -> str:
    shown = [(title, list(findings)) for _, title, findings in groups]
    return "\n\n".join("\n".join([f"{title}:", *(it.text for it in findings)]) for title, findings in shown if findings)


def _database_groups(found: InDatabase) -> list[Group]:
    return [
        ("owed", "Pending in SES; ses_sync retries now", map(_pending, found.recorded.pending.items())),
        ("deletions", "Unfinished deletions; retry_deletion retries now", map(_deletion, found.deletions)),
        ("lostMail", "Mail in the database without a domain", map(_lost_mail, found.lost_mail)),
        ("former", "Left behind when AWS_REGION or SES_RULE_SET changed", map(_scope, found.recorded.previous_scopes)),
    ]


def _aws_groups(found: InAws) -> list[Group]:
    left = found.left
    return [
        ("orphans", "Orphans in SES, ours and in no ledger", map(_orphan, found.orphans)),
        ("suspects", "Not ours despite our prefix; left alone", map(_lookalike, left.lookalikes)),
        ("storedMail", "Stored mail without a domain", map(_folder, found.folders)),
        ("referenceMail", "Stored by the reference service; left alone", map(_reference, left.reference_mail)),
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
    return Shown(members(folder), text)


def _lost_mail(mail: LostMail) -> Shown:
    return Shown(members(mail), f"! {one_line(mail.domain)} ({mail.domain_id}): {plural(mail.mails, 'mail')}")


def _reference(mail: ReferenceMail) -> Shown:
    return Shown(members(mail), f"  emails/{one_line(mail.domain)}/: {mail.stored}")


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
    return Shown(members(scope), "\n".join(lines))


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
