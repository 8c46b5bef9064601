"""The parts of the state. Pure values, which pages, commands, metrics and the API show alike."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from workers.models import WorkerKind


class Level(enum.Enum):
    """Who must act. People read `label`; JSON and metrics carry `wire`. Worst first."""

    NEEDS_YOU = ("needs you", "needs_you")
    UNCONFIRMED = ("unconfirmed", "unconfirmed")
    PENDING = ("pending", "pending")

    def __init__(self, label: str, wire: str) -> None:
        self.label = label
        self.wire = wire


class Kind(enum.StrEnum):
    """What a finding is about: the value in JSON and in metrics."""

    WORKER = "worker"
    FOREIGN_RULE = "foreign_rule"
    RULE_SET = "rule_set"
    SWEEP = "sweep"
    DRIFT = "drift"
    SES_CHANGE = "ses_change"
    UNANSWERED_CALL = "unanswered_call"
    DOMAIN = "domain"
    DELETION = "deletion"
    STORED_MAIL = "stored_mail"
    PROOF = "proof"
    PREVIOUS_SCOPE = "previous_scope"
    QUOTA = "quota"
    MAIL_TO_READ = "mail_to_read"
    DELIVERY = "delivery"
    EVENT = "event"
    ENDPOINT = "endpoint"
    MAIL_SWEEP = "mail_sweep"
    MAIL_TO_ERASE = "mail_to_erase"
    QUEUE = "queue"
    EXPORT = "export"
    IMPORT = "import"


# Which worker does what waits. A task that fails is tried again by the worker that says so.
WORKER_OF = {
    Kind.SWEEP: WorkerKind.SES,
    Kind.SES_CHANGE: WorkerKind.SES,
    Kind.UNANSWERED_CALL: WorkerKind.SES,
    Kind.DELETION: WorkerKind.SES,
    Kind.STORED_MAIL: WorkerKind.SES,
    Kind.PROOF: WorkerKind.SES,
    Kind.MAIL_TO_READ: WorkerKind.MAIL,
    Kind.DELIVERY: WorkerKind.MAIL,
    Kind.EVENT: WorkerKind.MAIL,
    Kind.MAIL_TO_ERASE: WorkerKind.MAIL,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that waits or is wrong.

    `subject`: what it is about, such as a domain, an endpoint or `ses_worker`. `what`: the work or the fault, in a few words.
    `why`: our sentence, with the AWS call that has failed. `act`: what a person can do, as a sentence; empty if nothing needs to
    be done. `page`: the admin page about it, as the model's label and the primary key (empty: the list of several).
    `owner_id`: whose it is; None if it concerns the whole installation. `number`: how many things it stands for.
    """

    kind: Kind
    level: Level
    subject: str
    what: str
    why: str = ""
    act: str = ""
    since: datetime | None = None
    tries: int = 0
    next_try: datetime | None = None
    domain: str = ""
    owner_id: int | None = None
    page: tuple[str, str] | None = None
    number: int = 1


@dataclass(frozen=True, slots=True)
class Tally:
    """How many findings there are of a kind or a level, also those that are not listed, and how old the oldest is."""

    number: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker process. `last_round_at`: its last sign of life. `elsewhere`: the other region and rule set that it works for.

    `died`: how many processes of this kind have died on its host lately.
    """

    kind: str
    host: str
    pid: int
    version: str
    started_at: datetime
    last_round_at: datetime
    is_alive: bool
    problem: str = ""
    problem_since: datetime | None = None
    needs_you: bool = False
    elsewhere: str = ""
    died: int = 0


# Names of quotas.
RULES, IDENTITIES, RECIPIENTS = "rules", "identities", "recipients of the fullest rule"


@dataclass(frozen=True, slots=True)
class Quota:
    """`name`: one of those above, or another one. `foreign`: how many of `used` are not ours."""

    name: str
    used: int
    limit: int
    foreign: int = 0
    learned: bool = False


@dataclass(frozen=True, slots=True)
class MailFigures:
    """`silent`: how many verified domains have had no mail for seven days. `unreachable`: how many that were verified have lost
    their DNS records and receive none.
    """

    last_at: datetime | None = None
    in_24_hours: int = 0
    silent: int = 0
    unreachable: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in SES that is not as the rows want it, or is not ours. `sort` and `kind` as in the JSON of `ses_reconcile`.

    `text`: its line there. `is_problem`: otherwise it is information. `lasts`: the worker does not repair it.
    """

    sort: str
    kind: str
    name: str
    domain: str
    why: str
    text: str
    is_problem: bool
    lasts: bool
    takes_from: Sequence[str] = ()
    takes_everything: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class LastSweep:
    """The last comparison with SES: when it began, when the last one ended that succeeded, and why the last one failed.

    `looked_at`: when somebody last looked for foreign rules. `differences` and `foreign_rules` count all; `listed` has the
    gravest.
    """

    began_at: datetime
    ended_at: datetime | None = None
    problem: str = ""
    needs_you: bool = False
    looked_at: datetime | None = None
    differences: int = 0
    foreign_rules: int = 0
    listed: Sequence[Difference] = ()


@dataclass(frozen=True, slots=True)
class LastDay:
    """What has been done in 24 hours."""

    domains_added: int = 0
    domains_deleted: int = 0
    deletions_proved: int = 0
    addresses_added: int = 0
    addresses_deleted: int = 0
    keys_revoked: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Everything, at the time `at`. `findings`: the worst and oldest of them; `by_level` and `by_kind` count all.

    `waiting`: what is pending or unconfirmed, by kind.
    """

    at: datetime
    region: str
    rule_set: str
    account: str
    workers: Sequence[WorkerSeen] = ()
    findings: Sequence[Finding] = ()
    by_level: Mapping[Level, Tally] = field(default_factory=dict)
    by_kind: Mapping[Kind, Tally] = field(default_factory=dict)
    waiting: Mapping[Kind, Tally] = field(default_factory=dict)
    mail: MailFigures = MailFigures()
    sweep: LastSweep | None = None
    quotas: Sequence[Quota] = ()
    last_day: LastDay = LastDay()
    deletions_unproved: int = 0
    deletions_restorable: int = 0
    confirmed_until: datetime | None = None

    def of(self, level: Level) -> list[Finding]:
        return [finding for finding in self.findings if finding.level is level]

    def number(self, level: Level) -> int:
        return self.by_level.get(level, Tally()).number

    @property
    def left_out(self) -> int:
        """How many things are counted and not listed."""
        return sum(tally.number for tally in self.by_level.values()) - sum(one.number for one in self.findings)

    @property
    def goes_on(self) -> dict[Kind, Tally]:
        """What waits and is done by itself, because a worker that does it is alive."""
        alive = {worker.kind for worker in self.workers if worker.is_alive}
        return {kind: tally for kind, tally in self.waiting.items() if WORKER_OF.get(kind) in {None, *alive}}

    @property
    def needs_you(self) -> bool:
        return self.number(Level.NEEDS_YOU) > 0

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits and nothing is wrong: exit code 0."""
        return not any(self.by_level.get(level, Tally()).number for level in Level)
