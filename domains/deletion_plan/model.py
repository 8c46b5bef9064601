"""What a plan for the deletion of a domain says, as plain values. No moment in time is in its parts: see `PlanToken.of`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domains.dependents import EndpointUse
from domains.dns.leftovers import Published
from rest.plan_token import PlanToken, Subject
from ses_integration.plan.simulate import Forecast
from ses_integration.storage.size import Size

KIND = "domain"


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows go with the domain."""

    blocked_emails: int
    email_addresses: int
    active_email_addresses: int
    dns_records: int
    # Of which they are: other rows in the same number are another plan.
    digest: str


@dataclass(frozen=True, slots=True)
class FromDatabase:
    """What rows and ledger say: compared once more while the deletion holds the domain's row."""

    domain: str
    catch_all: bool
    deleting: bool
    ses: Forecast
    ses_seconds: float
    rows: Rows
    # Names of the owner's domains below this one. They stay.
    sub_domains: tuple[str, ...]
    endpoints: tuple[EndpointUse, ...]


@dataclass(frozen=True, slots=True)
class StoredMail:
    """`keeps`: KEEP_MAIL_ON_DOMAIN_DELETE is on, so it stays."""

    location: str
    size: Size
    keeps: bool


@dataclass(frozen=True, slots=True)
class FromOutside:
    """What S3 and DNS say, and in `problem` why SES cannot be called with the present settings."""

    problem: str
    stored_mail: StoredMail
    dns: tuple[Published, ...]


@dataclass(frozen=True, slots=True)
class DeletionPlan:
    """`confirmed_at`: when SES last confirmed something of what is said of it here."""

    subject: Subject
    database: FromDatabase
    outside: FromOutside
    confirmed_at: datetime | None

    @property
    def token(self) -> PlanToken:
        return PlanToken.of(self.subject, self.database, self.outside)

    @property
    def certain(self) -> bool:
        """Whether nothing is in doubt and everything could be looked at, to its end."""
        mail, ses = self.outside.stored_mail, self.database.ses
        return (
            ses.certain
            and not self.outside.problem
            and mail.size.complete
            and not any(it.why for it in self.outside.dns)
        )
