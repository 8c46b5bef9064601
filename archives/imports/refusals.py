"""Why an archive cannot be imported, in sentences for people."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser

from domains.lifecycle.held import DomainRestorable
from domains.lifecycle.mail_from import MailFromConflict
from domains.lifecycle.register import DnsConflict, DomainTaken
from domains.names import RefusedName
from ses_integration.api import QuotaExceeded

# What adding the domain may be refused with.
REFUSED = (RefusedName, DomainTaken, DomainRestorable, DnsConflict, MailFromConflict, QuotaExceeded)


class CannotImport(Exception):
    """Nothing was changed. The message is a sentence for people."""


def refusal(error: Exception, owner: AbstractBaseUser, name: str) -> CannotImport:
    """The same refusal in the words of an import."""
    match error:
        case DomainTaken(own=True):
            return CannotImport(f"{owner} has {name} already. Delete it first, and import again.")
        case DomainTaken():
            return CannotImport(error.reason or f"{name} belongs to another account.")
        case DomainRestorable():
            return CannotImport(
                f"{error.sentence(f'{owner} has')} Restore it, or end its grace period and import again."
            )
        case QuotaExceeded():
            return CannotImport(error.sentence)
        case _:
            return CannotImport(str(error))
