"""The MAIL FROM domain of a domain: one that no domain receives mail with.

Its only MX record is for bounces (docs/architecture/ses.md, "MAIL FROM"), so a name cannot be both. Domains of others that nobody
has proven do not count: SES verifies neither them nor their MAIL FROM domains.
"""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q

from domains.models import HELD, MAIL_FROM_LABEL, Domain, mail_from
from domains.names import ancestors
from ses_integration.api import RecordedIdentity

# Used in this order.
LABELS = (MAIL_FROM_LABEL, "bounce", "bounces", "ses-bounce", "mail-from")


class MailFromConflict(Exception):
    """A domain would also be the MAIL FROM domain of another one. The message is a sentence for users."""


def possible(name: str) -> Q:
    """Held domains that could take a MAIL FROM domain away from the domain `name`."""
    return HELD & Q(name__in=[mail_from(name, label) for label in LABELS])


def free_label(owner: AbstractBaseUser, name: str, held: Collection[Domain]) -> str:
    """The label for the MAIL FROM domain of a new domain.

    `held`: at least the domains above it, and the `possible` ones. Raises MailFromConflict if `name` is, or may become, the
    MAIL FROM domain of a domain above it, or if it has a domain for every label.
    """
    counting = {row.name: row for row in held if _counts(row, owner.pk)}
    above = [parent for parent in ancestors(name) if parent in counting]
    known = RecordedIdentity.by_domain(above) if above else {}
    for parent in above:
        if name in _mail_from_domains(counting[parent], known.get(parent)):
            # Only to its owner: for others it is like any domain.
            if counting[parent].deleting_since is not None and counting[parent].owner_id == owner.pk:
                raise MailFromConflict(
                    f"{name} is the MAIL FROM domain of {parent}, which is deleted and can be restored. Restore it, or end its "
                    "grace period, and try again."
                )
            raise MailFromConflict(
                f"{name} is the MAIL FROM domain of {parent}, so its MX record is for bounces and cannot receive other mail. "
                f"Choose another MAIL FROM domain for {parent} first: POST /domains/{{id}}/auth with mailFromDomain."
            )
    for label in LABELS:
        if mail_from(name, label) not in counting:
            return label
    raise MailFromConflict(f"{name} has no MAIL FROM domain left: {', '.join(LABELS)} below it are all domains.")


def _mail_from_domains(domain: Domain, known: RecordedIdentity | None) -> set[str]:
    """What SES has, and what it will have."""
    domains = {known.mail_from_domain} if known else set()
    if will_be_set(domain, known):
        domains.add(domain.mail_from)
    return domains


def _counts(domain: Domain, owner_id: int) -> bool:
    return domain.owner_id == owner_id or not domain.is_only_claimed


def will_be_set(domain: Domain, known: RecordedIdentity | None) -> bool:
    """Whether SES gets the MAIL FROM domain of the row. An identity that somebody else created keeps what it has."""
    return domain.mail_from_chosen or known is None or known.ours is not False


def refuse_receiving(domain: Domain, label: str) -> None:
    """Raise MailFromConflict if `<label>.<domain>` receives mail itself. Call it with the name locked."""
    chosen = mail_from(domain.name, label)
    receiving = Domain.objects.held().filter(name=chosen).first()
    if receiving and _counts(receiving, domain.owner_id):
        raise MailFromConflict(f"{chosen} receives mail itself. Choose another MAIL FROM domain for {domain.name}.")


def usable_label(domain: Domain) -> str:
    """The label that the domain has, or another one if that would be a domain that receives mail."""
    taken = set(Domain.objects.held().filter(possible(domain.name)).values_list("name", flat=True))
    labels = [domain.mail_from_label, *LABELS]
    return next((label for label in labels if mail_from(domain.name, label) not in taken), labels[0])
