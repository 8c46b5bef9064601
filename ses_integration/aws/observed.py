"""Receipt rules, identities and quotas as observed in SES: plain values, without Django and boto3."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObservedRule:
    """A receipt rule in SES. Recipients are in lower case, because SES ignores case.

    `digest`: the digest of the equivalent rule of ours, empty if there is none. `actions`: their AWS names, in order.
    `key_prefixes`: where the S3 actions store mail, as `bucket/prefix`. `ends`: its Stop action keeps the mail from later
    rules. `may_end`: it waits for a function that can do the same (docs/architecture/ses.md, "Order of rules").
    """

    name: str
    recipients: frozenset[str]
    digest: str = ""
    enabled: bool = True
    targets: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    key_prefixes: tuple[str, ...] = ()
    ends: bool = False
    may_end: bool = False

    @property
    def takes_everything(self) -> bool:
        """Whether the rule matches every recipient of the account (docs/architecture/ses.md, "Empty recipient list")."""
        return not self.recipients

    @property
    def domain(self) -> str:
        """The domain of all recipients, or an empty string if they have several."""
        return next(iter(self.domains)) if len(self.domains) == 1 else ""

    @property
    def domains(self) -> frozenset[str]:
        return frozenset(recipient.rpartition("@")[2] for recipient in self.recipients)

    def stores_only_in(self, place: str) -> bool:
        """Whether the rule stores mail, and all of it under `place` (`bucket/prefix`)."""
        return bool(self.key_prefixes) and all(key.startswith(place) for key in self.key_prefixes)


@dataclass(frozen=True, slots=True)
class ObservedIdentity:
    """An identity in SES. Statuses have v1's spelling: Pending, Success, Failed, TemporaryFailure, NotStarted.

    `owner`: the installation in its tag. Empty without a tag, also if our own v1 verification created the identity.
    `ours`: the tag names this installation.
    """

    name: str
    status: str
    ours: bool
    owner: str = ""
    dkim_tokens: tuple[str, ...] = ()
    dkim_zone: str = ""
    dkim_status: str = ""
    mail_from_domain: str = ""
    mail_from_status: str = ""


@dataclass(frozen=True, slots=True)
class ObservedIdentities:
    """Names of all domain identities, and the number of address identities, which count towards the same quota."""

    domains: list[str]
    addresses: int


def share_mail(some: frozenset[str], others: frozenset[str]) -> bool:
    """Whether rules with these recipients could both match the same mail (docs/architecture/ses.md, "Recipients")."""
    return not some or not others or any(_meet(one, other) for one in some for other in others)


def covers(recipients: frozenset[str], recipient: str) -> bool:
    """Whether a rule with `recipients` matches all mail for `recipient`, an address or a domain."""
    local, at, domain = recipient.rpartition("@")
    return bool(recipients & {recipient, domain, f"{local.partition('+')[0]}{at}{domain}"})


def _meet(one: str, other: str) -> bool:
    one_local, _, one_domain = one.rpartition("@")
    other_local, _, other_domain = other.rpartition("@")
    if one_domain != other_domain:
        # Only `.example.com`, which matches all subdomains, reaches beyond its own domain.
        return (one_domain.startswith(".") and other_domain.endswith(one_domain)) or (
            other_domain.startswith(".") and one_domain.endswith(other_domain)
        )
    if not one_local or not other_local or one_local == other_local:
        return True
    # `user@` matches `user+label@`, too.
    return one_local.partition("+")[0] == other_local or other_local.partition("+")[0] == one_local


@dataclass(frozen=True, slots=True)
class SendQuota:
    """Mails that the account may send in a second and in 24 hours, and has sent in the last 24. SES says -1 for no limit."""

    per_second: float
    per_day: float
    sent: float
