"""The findings of `ses_cleanup` as text for people and as plain values for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from backoffice.text import amount, moment, shortened
from domains.cleanup.find import Findings, Folder, Orphan
from domains.models import DomainDeletion
from ses_integration.cli.leftovers import NEEDED, Drift, PreviousScope

NOTHING = "Nothing is left over, and nothing is pending."
COMMANDS_SHOWN = 10
UNRECORDED = "so it may belong to another installation. If it is yours, run ses_cleanup --apply --domain"


@dataclass(frozen=True, slots=True)
class Group:
    """One kind of findings: `key` and `values` for programs, `title` and `lines` for people. Without lines it has no text."""

    key: str
    values: Any
    title: str
    lines: list[str]


def report(found: Findings) -> str:
    """The findings as text, group by group, each with what to do about it. `!` marks what --apply removes."""
    texts = ["\n".join([f"{group.title}:", *group.lines]) for group in _groups(found) if group.lines]
    return "\n\n".join([*texts, NOTHING] if found.nothing_left else texts)


def as_values(found: Findings) -> dict[str, Any]:
    return {group.key: group.values for group in _groups(found)} | {"nothing_left": found.nothing_left}


def _groups(found: Findings) -> list[Group]:
    domain = found.domain
    return [
        Group(
            "orphans",
            [
                {
                    "kind": orphan.found.resource,
                    "name": orphan.found.name,
                    "domain": orphan.found.domain,
                    "recipients": list(orphan.found.recipients),
                    "recorded": orphan.recorded,
                    "needed": orphan.found.needed,
                    "removable": orphan.removable(domain),
                }
                for orphan in found.orphans
            ],
            "Orphans in SES, ours and in no ledger",
            [_orphan(orphan, domain) for orphan in found.orphans],
        ),
        Group(
            "suspects",
            [{"name": rule.name, "recipients": list(rule.recipients), "why": rule.reason} for rule in found.lookalikes],
            "Not ours despite our prefix; left alone",
            [f"  {_resource(rule)} ({rule.reason})" for rule in found.lookalikes],
        ),
        Group(
            "stored_mail",
            [{**asdict(folder), "removable": folder.removable(domain)} for folder in found.folders],
            "Stored mail without a domain",
            [_folder(folder, domain) for folder in found.folders],
        ),
        Group(
            "reference_mail",
            [asdict(mail) for mail in found.reference_mail],
            "Stored by the reference service; left alone",
            [f"  emails/{mail.domain}/: {amount(mail.stored)}" for mail in found.reference_mail],
        ),
        Group(
            "former",
            [asdict(scope) for scope in found.previous_scopes],
            "Left behind when AWS_REGION or SES_RULE_SET changed",
            [line for scope in found.previous_scopes for line in _previous_scope(scope)],
        ),
        Group(
            "owed",
            found.pending,
            "Pending in SES; the worker retries by itself, ses_sync retries now",
            [f"* {name}: {reason}" for name, reason in found.pending.items()],
        ),
        Group(
            "deletions",
            [
                {"id": record.pk, "domain": record.name, "owed": record.pending_steps, "problem": record.problem}
                for record in found.deletions
            ],
            "Unfinished deletions; the worker retries by itself, ses_cleanup --apply retries now",
            [_deletion(record) for record in found.deletions],
        ),
    ]


def _resource(found: Drift) -> str:
    recipients = ", ".join(found.recipients) or ("every address of every domain" if found.resource == "rule" else "")
    return f"{found.resource} {found.name}" + (f": {recipients}" if recipients else "")


def _orphan(orphan: Orphan, domain: str) -> str:
    text = _resource(orphan.found)
    if orphan.removable(domain):
        return f"! {text}"
    if orphan.found.needed:
        return f"? {text}. {NEEDED[0].upper()}{NEEDED[1:]}"
    return f"? {text}. Its domain is unknown here, {UNRECORDED} {orphan.found.domain}"


def _folder(folder: Folder, domain: str) -> str:
    text = f"{folder.prefix}: {amount(folder.stored)}"
    if folder.in_use:
        identity = f"Its identity belongs to installation {folder.owner}"
        why = f"Rule {folder.rule} stores mail there" if folder.rule else identity
        return f"  {text}. {why}, so it is left alone."
    if folder.removable(domain):
        return f"! {text}"
    return f"? {text}. No deletion of it is recorded here, {UNRECORDED} {folder.domain}"


def _previous_scope(scope: PreviousScope) -> Iterator[str]:
    ses = f"aws ses delete-receipt-rule --region {scope.region} --rule-set-name {scope.rule_set} --rule-name"
    remove = [
        *(f"{ses} {name}" for name in scope.rules),
        *(
            f"aws sesv2 delete-email-identity --region {scope.region} --email-identity {name}"
            for name in scope.identities
        ),
    ]
    tags = f"aws sesv2 get-email-identity --region {scope.region} --query Tags --email-identity"
    yield f"> {scope.place}: {scope.contents}."
    yield "    If the change was a mistake, undo it. Otherwise remove these, and ses_cleanup --apply forgets them:"
    yield from _commands(remove)
    if scope.unclear:
        yield (
            "    It was never known whether these identities are ours. Look at the tag `inbound` first, and delete only those "
            "where it is INSTALLATION_ID:"
        )
        yield from _commands([f"{tags} {name}" for name in scope.unclear])


def _commands(commands: list[str]) -> list[str]:
    return [f"    {line}" for line in shortened(commands, COMMANDS_SHOWN, note=": --json names them all")]


def _deletion(record: DomainDeletion) -> str:
    text = f"* deletion of {record.name} ({record.pk}): {record.labels(record.pending_steps)}"
    if record.problem:
        text += f". {record.problem}"
    return text + (f" Next try {moment(record.retry_at)}." if record.retry_at else "")
