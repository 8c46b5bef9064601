"""Receipt rules as SES tells of them, and what can be said of one without asking anybody. Pure: no Django, no AWS."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObservedRule:
    """A receipt rule as SES holds it; all of it in lower case where SES does not tell cases apart.

    `digest` is empty where it does what no rule of ours does. `actions` are their kinds in AWS's words, in order;
    `key_prefixes` those of its S3 actions, as `bucket/prefix`. `ends`: its last action is Stop, so no rule behind it sees
    the mail. `may_end`: it waits for a function, whose answer can do the same
    (docs/architecture/ses.md, "Order of rules").
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
        """Without a recipient it gets the mail of every domain of the account (SES API Reference, ReceiptRule)."""
        return not self.recipients

    @property
    def domain(self) -> str:
        """The one domain that all its recipients are of, or an empty string."""
        return next(iter(self.domains)) if len(self.domains) == 1 else ""

    @property
    def domains(self) -> frozenset[str]:
        return frozenset(recipient.rpartition("@")[2] for recipient in self.recipients)


def share_mail(some: frozenset[str], others: frozenset[str]) -> bool:
    """Whether there can be an address whose mail rules with these recipients would both take.

    See docs/architecture/ses.md, "Recipients".
    """
    return not some or not others or any(_meet(one, other) for one in some for other in others)


def covers(recipients: frozenset[str], recipient: str) -> bool:
    """Whether all mail for `recipient` (an address or a domain) goes to a rule with `recipients` as well."""
    local, at, domain = recipient.rpartition("@")
    return bool(recipients & {recipient, domain, f"{local.partition('+')[0]}{at}{domain}"})


def _meet(one: str, other: str) -> bool:
    one_local, _, one_domain = one.rpartition("@")
    other_local, _, other_domain = other.rpartition("@")
    if one_domain != other_domain:
        # `.example.com` takes every subdomain's mail, and nothing else reaches beyond its own domain.
        return (one_domain.startswith(".") and other_domain.endswith(one_domain)) or (
            other_domain.startswith(".") and one_domain.endswith(other_domain)
        )
    if not one_local or not other_local or one_local == other_local:
        return True
    # `user@` takes `user+label@`, too.
    return one_local.partition("+")[0] == other_local or other_local.partition("+")[0] == one_local
