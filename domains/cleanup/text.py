"""What ses_cleanup shows, to people and to programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.template.defaultfilters import filesizeformat

from domains.cleanup.find import Findings, Orphan, removable
from domains.cleanup.folders import Folder
from domains.models import DomainDeletion
from ses_integration.drift.foreign import NEEDED
from ses_integration.drift.model import Drift
from ses_integration.drift.previous_scopes import PreviousScope
from ses_integration.storage.inventory import Stored

NOTHING = "Nothing is left over, and nothing is owed."
COMMANDS_SHOWN = 10
UNRECORDED = "Nothing here knows of its domain, so it may be another installation's. If it is not:"


def report(found: Findings, domain: str) -> str:
    """Part by part, each with what to do about it; `domain` is the one that was named, or empty."""
    parts = [
        ("Orphans in SES, ours and in no ledger:", [_orphan(it, domain) for it in found.orphans]),
        (
            "They have our prefix and are not ours, so they are left alone:",
            [f"  {_suspect(it)}" for it in found.suspects],
        ),
        ("Stored mail of no domain:", [_folder(it, domain) for it in found.folders]),
        (
            "Stored by the reference service, and left alone:",
            [f"  emails/{it.domain}/: {amount(it.stored)}" for it in found.reference_mail],
        ),
        (
            "Left behind when AWS_REGION or SES_RULE_SET changed:",
            [line for it in found.previous_scopes for line in _former(it)],
        ),
        (
            "SES is still owed; the worker goes on by itself, ses_sync tries now:",
            [f"* {name}: {why}" for name, why in found.pending.items()],
        ),
        (
            "Deletions that still owe something; the worker goes on by itself, ses_cleanup --apply tries now:",
            [_deletion(it) for it in found.deletions],
        ),
    ]
    texts = ["\n".join([head, *lines]) for head, lines in parts if lines]
    return "\n\n".join([*texts, NOTHING] if found.nothing_left else texts)


def as_values(found: Findings, domain: str) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "orphans": [
            {
                "kind": it.found.kind,
                "name": it.found.name,
                "domain": it.found.domain,
                "recipients": list(it.found.recipients),
                "recorded": it.recorded,
                "needed": it.found.needed,
                "removable": removable(it, domain),
            }
            for it in found.orphans
        ],
        "suspects": [{"name": it.name, "recipients": list(it.recipients), "why": it.why} for it in found.suspects],
        "stored_mail": [{**asdict(it), "removable": removable(it, domain)} for it in found.folders],
        "reference_mail": [asdict(it) for it in found.reference_mail],
        "former": [asdict(it) for it in found.previous_scopes],
        "owed": found.pending,
        "deletions": [
            {"id": it.pk, "domain": it.name, "owed": it.pending_steps, "problem": it.problem} for it in found.deletions
        ],
        "nothing_left": found.nothing_left,
    }


def amount(stored: Stored) -> str:
    objects, versions = (
        f"{count:,} {noun}{'' if count == 1 else 's'}"
        for count, noun in ((stored.objects, "object"), (stored.versions, "version"))
    )
    return f"{objects}, {versions}, {filesizeformat(stored.bytes)}".replace("\N{NO-BREAK SPACE}", " ")


def _orphan(orphan: Orphan, domain: str) -> str:
    it = orphan.found
    text = f"{it.kind} {it.name}: {', '.join(it.recipients)}" if it.recipients else f"{it.kind} {it.name}"
    if removable(orphan, domain):
        return f"! {text}"
    if it.needed:
        return f"? {text}. {NEEDED[0].upper()}{NEEDED[1:]}"
    return f"? {text}. {UNRECORDED} --apply --domain {it.domain}"


def _suspect(it: Drift) -> str:
    return f"{it.kind} {it.name}: {', '.join(it.recipients) or 'every address of every domain'} ({it.why})"


def _folder(it: Folder, domain: str) -> str:
    text = f"{it.prefix}: {amount(it.stored)}"
    if it.somebody_s:
        why = f"Rule {it.rule} stores mail there" if it.rule else f"Its identity is of installation {it.owner}"
        return f"  {text}. {why}, so it is left alone."
    if removable(it, domain):
        return f"! {text}"
    return (
        f"? {text}. No deletion of it is recorded here, so it may be another installation's. "
        f"If it is not: --apply --domain {it.domain}"
    )


def _former(it: PreviousScope) -> Iterator[str]:
    yield f"> {it.place}: {it.contents}."
    yield "    If the change was a mistake, change it back. Else remove them, and ses_cleanup --apply forgets them:"
    commands = [
        *(
            f"aws ses delete-receipt-rule --region {it.region} --rule-set-name {it.rule_set} --rule-name {name}"
            for name in it.rules
        ),
        *(f"aws sesv2 delete-email-identity --region {it.region} --email-identity {name}" for name in it.identities),
    ]
    yield from _some(commands)
    if it.unclear:
        yield (
            "    Whether these identities are ours was never known. Look at the tag `inbound` first, and delete only those "
            "where it is INSTALLATION_ID:"
        )
        yield from _some(
            [
                f"aws sesv2 get-email-identity --region {it.region} --query Tags --email-identity {name}"
                for name in it.unclear
            ]
        )


def _some(commands: Sequence[str]) -> Iterator[str]:
    yield from (f"    {command}" for command in commands[:COMMANDS_SHOWN])
    if len(commands) > COMMANDS_SHOWN:
        yield f"    and {len(commands) - COMMANDS_SHOWN} more: --json names them all"


def _deletion(it: DomainDeletion) -> str:
    text = f"* deletion of {it.name} ({it.pk}): {it.labels(it.pending_steps)}"
    if it.problem:
        text += f". {it.problem}"
    if it.retry_at:
        text += f" Next try {it.retry_at:%Y-%m-%d %H:%M:%S} UTC."
    return text
