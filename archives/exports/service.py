"""Ask for an export."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from archives.building.scope import Scope
from archives.exports.audit import exported
from archives.models import Export
from domains.models import Domain, lock_live_domain
from ses_integration.api import NotConfigured


class AlreadyRunning(Exception):
    """The account has an export of the domain that is not finished."""

    def __init__(self, export: Export) -> None:
        super().__init__("An export of this domain is not finished yet.")
        self.export = export


def start_export(*, domain: Domain, account: User, includes_secrets: bool = False) -> Export:
    """Let the mail worker make an archive of a live domain. The caller has made sure that the account may.

    Raises AlreadyRunning, NotConfigured without a bucket, and Domain.DoesNotExist.
    """
    if not settings.S3_BUCKET_NAME:
        raise NotConfigured("S3_BUCKET_NAME is missing.")
    with transaction.atomic(durable=True):
        row = lock_live_domain(domain.pk)
        if (running := Export.objects.filter(domain=row).unfinished().filter(account=account).first()) is not None:
            raise AlreadyRunning(running)
        for_owner = row.owner_id == account.pk
        export = Export.objects.create(
            domain=row,
            domain_name=row.name,
            account=account,
            includes_secrets=includes_secrets and for_owner,
            bucket=settings.S3_BUCKET_NAME,
            mails=row.messages.live().count(),
            mail_bytes=row.messages.stored_bytes(),
        )
        exported(Scope(row, export.created_at, for_owner=for_owner, secrets=export.includes_secrets), export)
    return export
