"""The identities of one account and region, shared by SES v1 and v2."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

from ses_integration.emulator.state.dns_proof import DnsProof
from ses_integration.emulator.state.quotas import Quotas
from ses_integration.emulator.state.validation import is_recipient
from ses_integration.emulator.wire.errors import AwsError

# SES API Reference, IdentityVerificationAttributes: VerificationStatus.
STATUSES = ("Pending", "Success", "Failed", "TemporaryFailure", "NotStarted")


@dataclass
class MailFrom:
    domain: str
    behavior_on_mx_failure: str
    status: str


@dataclass
class Identity:
    """A domain or an email address. `name` is lower case."""

    name: str
    status: str
    dkim_started: bool
    # Whether the status follows what is in DNS.
    follows_dns: bool
    # The selector of the owner's own DKIM key. Empty with Easy DKIM.
    dkim_selector: str = ""
    tags: list[dict[str, str]] = field(default_factory=list)
    mail_from: MailFrom | None = None
    dkim_found: bool = False
    # Whether SES mails bounces to the sender.
    feedback_forwarding: bool = True
    # The configuration set of mail that names none.
    configuration_set: str = ""

    @property
    def is_domain(self) -> bool:
        return "@" not in self.name

    @property
    def is_verified(self) -> bool:
        return self.status == "Success"

    @property
    def dkim_status(self) -> str:
        """The status of Easy DKIM, once it has been requested: what is in DNS, or the status of the identity."""
        if not self.dkim_started:
            return "NotStarted"
        if self.follows_dns:
            return "Success" if self.dkim_found else "Pending"
        return self.status

    @property
    def verification_token(self) -> str:
        """The value of the TXT record at `_amazonses.<domain>`."""
        return verification_token(self.name)

    @property
    def dkim_tokens(self) -> list[str]:
        """Tokens of the three CNAME records at `<token>._domainkey.<domain>`, or the owner's selector. Empty without DKIM."""
        if self.dkim_selector:
            return [self.dkim_selector]
        return dkim_tokens(self.name) if self.dkim_started else []

    def look_up(self, dns: DnsProof) -> None:
        """Verify the identity, DKIM and MAIL FROM once their records are published. Takes nothing back."""
        if not self.follows_dns or not self.is_domain:
            return
        self.dkim_found = self.dkim_found or dns.has_dkim(self.name, self.dkim_tokens)
        if self.dkim_found or dns.has_token(self.name, self.verification_token):
            self.status = "Success"
        if self.mail_from is not None and dns.has_mail_from(self.mail_from.domain):
            self.mail_from.status = "Success"

    def as_dict(self) -> dict[str, Any]:
        """The identity in the format of `GET /_ses`."""
        return {
            "name": self.name,
            "status": self.status,
            "tags": self.tags,
            "mail_from": self.mail_from and self.mail_from.domain,
        }


def verification_token(name: str) -> str:
    """44 characters of base64, as in SES. Always the same for a name."""
    return base64.b64encode(hashlib.sha256(f"verification {name}".encode()).digest()).decode()


def dkim_tokens(name: str) -> list[str]:
    """Three tokens of 32 lower-case letters and digits. Always the same for a name."""
    digests = [hashlib.sha256(f"dkim {number} {name}".encode()).digest() for number in range(3)]
    return [base64.b32encode(digest[:20]).decode().lower() for digest in digests]


@dataclass
class IdentitySettings:
    """Whether new identities are verified at once, for all accounts and regions."""

    verify_new: bool = True

    @property
    def first_status(self) -> str:
        return "Success" if self.verify_new else "Pending"


class IdentityStore:
    """Identities by name, in lower case. SES looks into DNS whenever it is asked about one."""

    def __init__(self, settings: IdentitySettings, quotas: Quotas, dns: DnsProof) -> None:
        self._dns = dns
        self._settings = settings
        self._quotas = quotas
        self._identities: dict[str, Identity] = {}

    def find(self, name: str) -> Identity | None:
        identity = self._identities.get(name.lower())
        if identity is not None:
            identity.look_up(self._dns)
        return identity

    def named(self) -> list[Identity]:
        """All identities, sorted by name, so that paging stays correct while identities are created and deleted."""
        return [identity for name in sorted(self._identities) if (identity := self.find(name))]

    def create(self, name: str, *, dkim: bool, tags: list[dict[str, str]] | None = None) -> Identity:
        """Create an identity. The caller checks whether the name is taken, because v1 and v2 treat that differently."""
        if not is_recipient(name) or name.startswith("."):
            raise AwsError("InvalidParameterValue", f"Invalid identity: {name}")
        if len(self._identities) >= self._quotas.identities:
            raise AwsError("LimitExceeded", "You have reached the maximum number of identities.")
        identity = Identity(
            name.lower(),
            self._settings.first_status,
            dkim_started=dkim,
            follows_dns=not self._settings.verify_new,
            tags=list(tags or []),
        )
        self._identities[identity.name] = identity
        return identity

    def restore(self, identity: Identity) -> None:
        """Put an identity back as it was. Ignores quotas."""
        self._identities[identity.name] = identity

    def find_or_create(self, name: str) -> Identity:
        """The existing identity, or a new one, as in the Verify operations of v1."""
        return self.find(name) or self.create(name, dkim=False)

    def delete(self, name: str) -> bool:
        """Delete an identity, and return whether it existed. Like SES, keep rules and stored mail."""
        return self._identities.pop(name.lower(), None) is not None

    def is_verified(self, address: str) -> bool:
        """Whether the address, its domain or a domain above it is verified, so that it may send."""
        return self.sender(address) is not None

    def sender(self, address: str) -> Identity | None:
        """The verified identity that an address sends as: the most exact one."""
        names = (address, *_domains_of(address))
        found = (self.find(name) for name in names)
        return next((identity for identity in found if identity is not None and identity.is_verified), None)

    def receives(self, address: str) -> bool:
        """Whether the domain of the address, or a domain above it, is verified. A verified address alone receives nothing."""
        found = map(self.find, _domains_of(address))
        return any(identity is not None and identity.is_verified for identity in found)

    def set_mail_from(self, identity: Identity, domain: str | None, behavior_on_mx_failure: str) -> None:
        """Set a subdomain of the identity's domain, or None for no MAIL FROM (SES API Reference, SetIdentityMailFromDomain)."""
        if not domain:
            identity.mail_from = None
            return
        parent = identity.name.rpartition("@")[2]
        if not domain.lower().endswith(f".{parent}"):
            raise AwsError(
                "InvalidParameterValue",
                f"Provided MAIL-FROM domain <{domain}> is not subdomain of the domain of the identity <{parent}>.",
            )
        identity.mail_from = MailFrom(domain.lower(), behavior_on_mx_failure, self._settings.first_status)

    def set_status(self, name: str, status: str) -> bool:
        """Set the status, whatever is in DNS. Returns whether the identity exists."""
        identity = self.find(name)
        if identity is None:
            return False
        identity.status = status
        identity.follows_dns = False
        if identity.mail_from is not None:
            # MAIL FROM has no NotStarted (SES API Reference, IdentityMailFromDomainAttributes).
            identity.mail_from.status = "Pending" if status == "NotStarted" else status
        return True


def _domains_of(address: str) -> list[str]:
    """The domain of an address, and those above it."""
    labels = address.rpartition("@")[2].split(".")
    return [".".join(labels[position:]) for position in range(len(labels))]
