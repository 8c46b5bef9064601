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
UNRECORDED = "it may be another installation's. If it is not: --apply --domain"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the findings: `key` and `values` for programs, `title` and `lines` for people. Without lines it has no text."""

    key: str
    values: Any
    title: str
    lines: list[str]


def report(found: Findings) -> str:
    """Part by part, each with what to do about it. `!` marks what --apply removes."""
    texts = ["\n".join([f"{part.title}:", *part.lines]) for part in _parts(found) if part.lines]
    return "\n\n".join([*texts, NOTHING] if found.nothing_left else texts)


def as_values(found: Findings) -> dict[str, Any]:
    return {part.key: part.values for part in _parts(found)} | {"nothing_left": found.nothing_left}


def _parts(found: Findings) -> list[Part]:
    domain = found.domain
    return [
        Part(
            "orphans",
            [
                {
                    "kind": it.found.resource,
                    "name": it.found.name,
                    "domain": it.found.domain,
                    "recipients": list(it.found.recipients),
                    "recorded": it.recorded,
                    "needed": it.found.needed,
                    "removable": it.removable(domain),
                }
                for it in found.orphans
            ],
            "Orphans in SES, ours and in no ledger",
            [_orphan(it, domain) for it in found.orphans],
        ),
        Part(
            "suspects",
            [{"name": it.name, "recipients": list(it.recipients), "why": it.reason} for it in found.suspects],
            "They have our prefix and are not ours, so they are left alone",
            [f"  {_resource(it)} ({it.reason})" for it in found.suspects],
        ),
        Part(
            "stored_mail",
            [{**asdict(it), "removable": it.removable(domain)} for it in found.folders],
            "Stored mail of no domain",
            [_folder(it, domain) for it in found.folders],
        ),
        Part(
            "reference_mail",
            [asdict(it) for it in found.reference_mail],
            "Stored by the reference service, and left alone",
            [f"  emails/{it.domain}/: {amount(it.stored)}" for it in found.reference_mail],
        ),
        Part(
            "former",
            [asdict(it) for it in found.previous_scopes],
            "Left behind when AWS_REGION or SES_RULE_SET changed",
            [line for it in found.previous_scopes for line in _previous_scope(it)],
        ),
        Part(
            "owed",
            found.pending,
            "Pending in SES; the worker retries by itself, ses_sync retries now",
            [f"* {name}: {reason}" for name, reason in found.pending.items()],
        ),
        Part(
            "deletions",
            [
                {"id": it.pk, "domain": it.name, "owed": it.pending_steps, "problem": it.problem}
                for it in found.deletions
            ],
            "Unfinished deletions; the worker retries by itself, ses_cleanup --apply retries now",
            [_deletion(it) for it in found.deletions],
        ),
    ]


def _resource(it: Drift) -> str:
    recipients = ", ".join(it.recipients) or ("every address of every domain" if it.resource == "rule" else "")
    return f"{it.resource} {it.name}" + (f": {recipients}" if recipients else "")


def _orphan(orphan: Orphan, domain: str) -> str:
    it = orphan.found
    if orphan.removable(domain):
        return f"! {_resource(it)}"
    if it.needed:
        return f"? {_resource(it)}. {NEEDED[0].upper()}{NEEDED[1:]}"
    return f"? {_resource(it)}. Nothing here knows of its domain, so {UNRECORDED} {it.domain}"


def _folder(it: Folder, domain: str) -> str:
    text = f"{it.prefix}: {amount(it.stored)}"
    if it.in_use:
        why = f"Rule {it.rule} stores mail there" if it.rule else f"Its identity is of installation {it.owner}"
        return f"  {text}. {why}, so it is left alone."
    if it.removable(domain):
        return f"! {text}"
    return f"? {text}. No deletion of it is recorded here, so {UNRECORDED} {it.domain}"


def _previous_scope(it: PreviousScope) -> Iterator[str]:
    ses = f"aws ses delete-receipt-rule --region {it.region} --rule-set-name {it.rule_set} --rule-name"
    remove = [
        *(f"{ses} {name}" for name in it.rules),
        *(f"aws sesv2 delete-email-identity --region {it.region} --email-identity {name}" for name in it.identities),
    ]
    tags = f"aws sesv2 get-email-identity --region {it.region} --query Tags --email-identity"
    yield f"> {it.place}: {it.contents}."
    yield "    If the change was a mistake, undo it. Otherwise remove these, and ses_cleanup --apply forgets them:"
    yield from _commands(remove)
    if it.unclear:
        yield (
            "    It was never known whether these identities are ours. Look at the tag `inbound` first, and delete only those "
            "where it is INSTALLATION_ID:"
        )
        yield from _commands([f"{tags} {name}" for name in it.unclear])


def _commands(commands: list[str]) -> list[str]:
    return [f"    {line}" for line in shortened(commands, COMMANDS_SHOWN, note=": --json names them all")]


def _deletion(it: DomainDeletion) -> str:
    text = f"* deletion of {it.name} ({it.pk}): {it.labels(it.pending_steps)}"
    if it.problem:
        text += f". {it.problem}"
    return text + (f" Next try {moment(it.retry_at)}." if it.retry_at else "")
