"""The MAIL FROM domain of a domain: one that no domain receives mail with.

Its only MX record is for bounces (docs/architecture/ses.md, "MAIL FROM"), so a name cannot be both.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from domains.models import Domain, mail_from
from domains.names import ancestors
from ses_integration.api import RecordedIdentity, mail_from_domain

# Used in this order. The first one is SES's default here, so it needs no choice of the owner.
LABELS = ("mail", "bounce", "bounces", "ses-bounce", "mail-from")


class MailFromConflict(Exception):
    """A domain would also be the MAIL FROM domain of another one. The message is a sentence for users."""


def possible(name: str) -> Q:
    """Live domains that could take a MAIL FROM domain away from the domain `name`."""
    return Q(name__in=[mail_from(name, label) for label in LABELS], deleting_since=None)


def free_label(name: str, live: Collection[Domain]) -> str:
    """The label for the MAIL FROM domain of a new domain, empty for the default.

    `live`: at least the domains above it, and the `possible` ones. Raises MailFromConflict if `name` is the MAIL FROM domain of a
    domain above it.
    """
    above = {row.name: row for row in live if row.name in ancestors(name)}
    known = RecordedIdentity.by_domain(above) if above else {}
    for parent, row in above.items():
        used = known[parent].mail_from_domain if parent in known else row.mail_from or mail_from_domain(parent)
        if used == name:
            raise MailFromConflict(
                f"{name} is the MAIL FROM domain of {parent}, so its MX record is for bounces and cannot receive other mail. "
                f"Choose another MAIL FROM domain for {parent} first: POST /domains/{{id}}/auth with mailFromDomain."
            )
    taken = {row.name for row in live}
    label = next((label for label in LABELS if mail_from(name, label) not in taken), LABELS[0])
    return "" if label == LABELS[0] else label


def refuse_receiving(name: str, label: str) -> None:
    """Raise MailFromConflict if `<label>.<name>` receives mail itself."""
    chosen = mail_from(name, label)
    if Domain.objects.live().filter(name=chosen).exists():
        raise MailFromConflict(f"{chosen} receives mail itself. Choose another MAIL FROM domain for {name}.")
