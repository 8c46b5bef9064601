"""Base class and helpers of the ses_* commands: exit codes, errors, and the outcome for a domain."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backoffice.shell.asking import agreed
from ses_integration.aws.observe import Observation
from ses_integration.conf import SesConfig
from ses_integration.coordination.deadline import shared_deadline
from ses_integration.drift.model import Drift
from ses_integration.errors import RateLimitTimeout, SesError, Throttled
from ses_integration.models import DomainSync, LedgerEntry
from ses_integration.plan.resources import ResourceKind
from ses_integration.reconcile import snapshot
from ses_integration.reconcile.loop import reconcile
from ses_integration.status import wording
from ses_integration.status.sync_state import pending_domains, states_of
from ses_integration.status.warning import unanswered_until

# How long a command works on one domain before it reports what is left to the worker.
SECONDS_PER_DOMAIN = 30.0
WRONG_USAGE = 2  # of argparse
# A plan may remove one of so many without --force.
MOST_REMOVED = 3
AGAIN = "Wait a second and run it again: SES takes about one control call a second, and other processes share it."


class CommandWithExitCodes(BaseCommand):
    """Base of commands whose exit code 2 is an answer: wrong usage, for which argparse exits with 2, exits with 1."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # `--app` must not apply.
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def run_from_argv(self, argv: list[str]) -> None:
        self._called_from_command_line = True
        try:
            self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
        except SystemExit as end:
            raise SystemExit(1 if end.code == WRONG_USAGE else end.code) from None
        super().run_from_argv(argv)


@contextmanager
def ses_errors_as_command_errors() -> Iterator[None]:
    """Turn errors of AWS into a sentence and exit code 1."""
    try:
        yield
    except SesError as error:
        raise CommandError(sentence_of(error)) from error


def sentence_of(error: SesError) -> str:
    """The error's sentence, and what to do if it was only too much at once."""
    return f"{error.sentence} {AGAIN}" if isinstance(error, RateLimitTimeout | Throttled) else error.sentence


@dataclass(frozen=True, slots=True)
class Removal:
    """How much of what inbound has in AWS a plan removes: `number` of `total` `things`, such as rules."""

    things: str
    number: int
    total: int

    @property
    def is_large(self) -> bool:
        return MOST_REMOVED * self.number > self.total


def removals_in_ses(config: SesConfig, seen: Observation, removed: Sequence[Drift]) -> list[Removal]:
    """How much a plan that removes these removes, of what is ours in SES."""
    kinds: dict[ResourceKind, tuple[str, Collection[str]]] = {
        ResourceKind.RULE: ("rules", {rule.name for rule in seen.rules}),
        ResourceKind.IDENTITY: ("identities", seen.identities),
    }
    found = []
    for kind, (things, in_ses) in kinds.items():
        names = {drift.name for drift in removed if drift.resource == kind}
        ours = LedgerEntry.objects.of(config).filter(kind=kind).values_list("name", flat=True)
        found.append(Removal(things, len(names), len(names.union(ours).intersection(in_ses))))
    return found


def add_confirmation(parser: ArgumentParser) -> None:
    """Add the options of commands that ask before they change AWS."""
    parser.add_argument("--yes", action="store_true", help="do not ask. Without a terminal it is required")
    parser.add_argument(
        "--force",
        action="store_true",
        help="also carry out a plan that removes more than a third of our rules, identities or folders of stored mail",
    )


def confirmed(command: BaseCommand, options: Mapping[str, Any], removals: Sequence[Removal]) -> bool:
    """Whether the plan that was shown may be carried out. Raises CommandError if it removes much, without --force.

    An empty or a wrong database makes everything look as if it should be gone.
    """
    for removal in removals:
        if removal.is_large and not options["force"]:
            raise CommandError(
                f"The plan removes {removal.number} of {removal.total} {removal.things}, which is more than a third. "
                "Is DATABASE_URL right, and is the database complete? If so, give --force."
            )
    return options["yes"] or agreed(command)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a domain is up to date after it was reconciled, and if not, why. People read `str()`; JSON carries `wire`."""

    up_to_date: bool
    reason: str = ""

    def __str__(self) -> str:
        return "up to date" if self.up_to_date else f"still pending. {self.reason}".strip()

    @property
    def wire(self) -> str:
        return "in line" if self.up_to_date else f"still owed. {self.reason}".strip()


def refuse_unknown(config: SesConfig, domains: Sequence[str]) -> None:
    """Fail for a mistyped name before anything is sent or changed. Raises CommandError, which says where a name is known."""
    desired = snapshot.desired_of(config, domains)
    states = [model.objects.filter(domain__in=domains) for model in (DomainSync, LedgerEntry)]
    known = {name for rows in states for name in rows.of(config).values_list("domain", flat=True)}
    unknown = sorted(name for name in set(domains) - known if not desired[name].identity)
    for name in unknown:
        places = {place for rows in states for place in rows.filter(domain=name).values_list("region", "rule_set")}
        if places:
            listed = " and ".join(
                f"{region or 'no region'}, rule set {rule_set}" for region, rule_set in sorted(places)
            )
            raise CommandError(f"{name} is known only in {listed}: set AWS_REGION and SES_RULE_SET to that.")
    if unknown:
        raise CommandError(f"No such domain, now or in the past: {', '.join(unknown)}.")


def reconcile_each(domains: Sequence[str], tell: Callable[[str], object]) -> dict[str, Outcome]:
    """Reconcile the domains one after the other, and tell the outcome of each."""
    outcomes: dict[str, Outcome] = {}
    for number, name in enumerate(domains, 1):
        outcomes[name] = reconcile_one(name)
        tell(f"{number}/{len(domains)} {name}: {outcomes[name]}")
    return outcomes


def reconcile_one(name: str) -> Outcome:
    """Reconcile one domain, for at most `SECONDS_PER_DOMAIN`."""
    with shared_deadline(SECONDS_PER_DOMAIN):
        reconcile(name)
    return _outcome(name)


def _outcome(name: str) -> Outcome:
    """Look up the outcome for one domain; one statement if it is up to date, else two.

    Without a row there is nothing to send, although the ledger may know the name.
    """
    states = states_of(pending_domains().filter(domain=name))
    if not states:
        return Outcome(up_to_date=True)
    unanswered = wording.unanswered(unanswered_until(name))
    return Outcome(up_to_date=False, reason=" ".join(filter(None, [states[0].error, unanswered])))
