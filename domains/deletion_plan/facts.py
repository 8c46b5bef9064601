"""What a domain's deletion plan is made of.

The values contain no times, because these would change the token.
"""

from __future__ import annotations

from dataclasses import dataclass

from domains.deletion_plan import parts
from domains.dependents import EndpointUse
from domains.dns.leftovers import RecordLookup
from ses_integration.api import MailSize, Preview


@dataclass(frozen=True, slots=True)
class FromDatabase:
    """Rows and ledger. The deletion compares this part once more while it holds the lock on the domain's row."""

    domain: str
    catch_all: bool
    deleting: bool
    ses: Preview
    # The number of rows that are deleted with the domain, and a digest of them: other rows are a different plan.
    blocked_emails: int
    email_addresses: int
    active_email_addresses: int
    dns_records: int
    digest: str
    # The owner's domains below this one, which stay.
    sub_domains: tuple[str, ...]
    endpoints: tuple[EndpointUse, ...]
    accesses: tuple[parts.Access, ...]


@dataclass(frozen=True, slots=True)
class FromOutside:
    """Settings, and answers of S3 and DNS.

    `ses_problem` says why the settings do not allow the calls to SES; empty if they do. `keeps_mail`: stored mail. `grace_days`: 0
    if the domain cannot be restored.
    """

    ses_problem: str
    mail_location: str
    keeps_mail: bool
    grace_days: int
    dns: tuple[RecordLookup, ...]


@dataclass(frozen=True, slots=True)
class MailAmounts:
    """How much mail there is: received emails with their attachments in the database, and what is `stored` in S3.

    `bytes`: of the mails whose size is known to the database. `exports`: archives of the domain that lie there as well.
    """

    emails: int
    attachments: int
    bytes: int
    stored: MailSize
    exports: int = 0
