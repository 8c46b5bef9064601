"""Why an archive cannot be imported, in sentences for people."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from domains.lifecycle.held import DomainRestorable
from domains.lifecycle.mail_from import MailFromConflict
from domains.lifecycle.register import DnsConflict, DomainTaken
from domains.models import DomainDeletion
from domains.names import RefusedName
from rest.fields import timestamp
from ses_integration.api import QuotaExceeded

# What adding the domain may be refused with.
REFUSED = (RefusedName, DomainTaken, DomainRestorable, DnsConflict, MailFromConflict, QuotaExceeded)

EXISTS = (
    "Import the archive with its mail to add only mail that it lacks. To replace its configuration, delete it first, and import "
    "again."
)
RESTORE_OR_END = (
    "Restore it as it was: `restore_domain {name}`, or POST /deletions/{deletion}/restore. Or end its grace period, which deletes "
    "for good what it had, and import again: `grace_period {name} --end`, or DELETE /domains/{domain}?permanent=true."
)


class CannotImport(Exception):
    """Nothing was changed. The message is a sentence for people, and `code` is for programs.

    `deletion`: that of the name, if it can be restored.
    """

    def __init__(self, sentence: str, code: str = "NOT_IMPORTED", *, deletion: DomainDeletion | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.deletion = deletion

    @property
    def values(self) -> dict[str, Any]:
        """The refusal as JSON, with the ids of what is in the way."""
        values: dict[str, Any] = {"error": str(self), "code": self.code}
        if self.deletion is not None:
            values["deletionId"] = self.deletion.pk
            if self.deletion.restorable_until is not None:
                values["restorableUntil"] = timestamp(self.deletion.restorable_until)
        return values


def refusal(error: Exception, owner: AbstractBaseUser, name: str) -> CannotImport:
    """The same refusal in the words of an import."""
    match error:
        case DomainTaken(own=True):
            return CannotImport(f"{owner} has {name} already. {EXISTS}", "DOMAIN_EXISTS")
        case DomainTaken():
            sentence = error.reason or f"{name} belongs to another account."
            return CannotImport(sentence, "DOMAIN_ALREADY_REGISTERED")
        case DomainRestorable():
            how = RESTORE_OR_END.format(name=name, deletion=error.deletion.pk, domain=error.deletion.domain_id)
            sentence = f"{error.sentence(f'{owner} has')} {how}"
            return CannotImport(sentence, "DOMAIN_RESTORABLE", deletion=error.deletion)
        case QuotaExceeded():
            return CannotImport(error.sentence, "SES_QUOTA_REACHED")
        case MailFromConflict():
            return CannotImport(str(error), "DOMAIN_IS_MAIL_FROM")
        case DnsConflict():
            return CannotImport(str(error), "DNS_CONFLICT")
        case _:
            return CannotImport(str(error))
