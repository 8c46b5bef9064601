"""The values of a domain's deletion plan. They contain no times, because these would change the token."""

from __future__ import annotations

from dataclasses import dataclass

from domains.dependents import EndpointUse
from domains.dns.leftovers import RecordLookup
from rest.deletion.plan_token import Plan
from ses_integration.api import Forecast, MailSize

KIND = "domain"
# About the SES identity, in plans and in the warning of a deletion.
NOT_CREATED_HERE = "was not created by this installation, so it is kept."


@dataclass(frozen=True, slots=True)
class Rows:
    """The number of rows that are deleted with the domain."""

    blocked_emails: int
    email_addresses: int
    active_email_addresses: int
    dns_records: int
    # Digest of the rows: the same number of different rows is a different plan.
    digest: str


@dataclass(frozen=True, slots=True)
class FromDatabase:
    """Rows and ledger. The deletion compares this part once more while it holds the lock on the domain's row."""

    domain: str
    catch_all: bool
    deleting: bool
    ses: Forecast
    rows: Rows
    # The owner's domains below this one, which stay.
    sub_domains: tuple[str, ...]
    endpoints: tuple[EndpointUse, ...]


@dataclass(frozen=True, slots=True)
class StoredMail:
    """The mail under the domain's prefix; `keeps` if KEEP_MAIL_ON_DOMAIN_DELETE is on."""

    location: str
    size: MailSize
    keeps: bool


@dataclass(frozen=True, slots=True)
class FromOutside:
    """Answers of S3 and DNS. `ses_problem` says why the present settings do not allow the calls to SES; empty if they do."""

    ses_problem: str
    stored_mail: StoredMail
    dns: tuple[RecordLookup, ...]


@dataclass(frozen=True, slots=True)
class DeletionPlan(Plan[FromDatabase, FromOutside]):
    @property
    def certain(self) -> bool:
        """Whether SES's state is confirmed, SES can be called, and S3 and DNS answered completely."""
        return (
            self.database.ses.certain
            and not self.outside.ses_problem
            and self.outside.stored_mail.size.complete
            and not any(record.why for record in self.outside.dns)
        )
