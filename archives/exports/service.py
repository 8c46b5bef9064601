"""Ask for an export."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from archives.building.scope import Scope
from archives.exports.audit import exported
from archives.models import Export
from domains.models import Domain, lock_live_domain
from rest.access.roles import Deed, member_from
from ses_integration.api import NotConfigured


class AlreadyRunning(Exception):
    """The account has an export of the domain that is not finished."""

    def __init__(self, export: Export) -> None:
        super().__init__("An export of this domain is not finished yet.")
        self.export = export


def start_export(*, domain: Domain, account: User, includes_secrets: bool = False) -> Export:
    """Let the mail worker make an archive of a live domain.

    Raises AlreadyRunning, NotConfigured without a bucket, and Domain.DoesNotExist, also if the account has lost its access.
    """
    if not settings.S3_BUCKET_NAME:
        raise NotConfigured("S3_BUCKET_NAME is missing.")
    with transaction.atomic(durable=True):
        # Looked at again under the lock: what is exported stays with whoever downloads it.
        row = lock_live_domain(domain.pk, member_from(domain.owner_id, account.pk), Deed.EXPORT)
        if (running := Export.objects.filter(domain=row).unfinished().filter(account=account).first()) is not None:
            raise AlreadyRunning(running)
        scope = Scope.for_account(row, timezone.now(), account.pk, secrets=includes_secrets)
        export = Export.objects.create(
            domain=row,
            domain_name=row.name,
            account=account,
            includes_secrets=scope.secrets,
            bucket=settings.S3_BUCKET_NAME,
            mails=row.messages.live().count(),
            mail_bytes=row.messages.stored_bytes(),
        )
        exported(scope, export)
    return export
