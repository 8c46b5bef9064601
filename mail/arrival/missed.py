"""Mail that a sweep has found: read what SES wrote on top of it, and note it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from io import BytesIO

from django.conf import settings

from backoffice.text import plural
from domains.models import Domain
from mail.arrival.note import note
from mail.arrival.own_headers import HEAD_BYTES, Addressed, OwnHeaders, addressed, own_headers
from mail.models import Message
from ses_integration.api import Arrival, NotStored, SesError, StoredKey, StoredMail

logger = logging.getLogger(__name__)

# How many objects in a row S3 may refuse to give, before it counts as an error of the whole pass.
MOST_REFUSALS = 20


class MissedMail:
    """Notes missed mail of one domain. `problem`: why some of it could not be read."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._refusals = 0
        self.problem = ""

    def note(self, keys: Sequence[StoredKey]) -> int:
        """Note these, and return how many were new. Leaves out what has been deleted meanwhile. Raises SesError."""
        heads = [(key, head) for key in keys if (head := self._head(key)) is not None]
        read = [(key, own_headers(head, self._ses_id(key)), addressed(head)) for key, head in heads]
        ours = self._own_addresses({address for _, _, mail in read for address in mail.addresses})
        arrivals = [self._arrival(key, own, mail, ours) for key, own, mail in read]
        found = len(note(arrivals, source=Message.Source.SWEEP).messages) if arrivals else 0
        if found:
            logger.info("The sweep of %s found %s without a notification.", self._domain, plural(found, "mail"))
        return found

    def _head(self, key: StoredKey) -> bytes | None:
        file = BytesIO()
        try:
            StoredMail(key.key).fetch(file, HEAD_BYTES)
        except NotStored:
            return None
        except SesError as error:
            # One object may be in an archive, or forbidden. The others must not wait for it.
            self._refusals += 1
            if not error.needs_attention or self._refusals >= MOST_REFUSALS:
                raise
            self.problem = error.sentence[:500]
            return None
        self._refusals = 0
        return file.getvalue()

    def _arrival(self, key: StoredKey, own: OwnHeaders, mail: Addressed, ours: set[str]) -> Arrival:
        # SES names one recipient, even if there are several; the others are probably addressed.
        recipients = {address for address in mail.addresses if ours & {address, _without_label(address)}}
        if own.recipient.endswith(f"@{self._domain.name}"):
            recipients.add(own.recipient)
        # If somebody has copied the object, S3 knows only the time of the copy.
        arrived_at = min(own.arrived_at, key.stored_at) if own.arrived_at else key.stored_at
        return Arrival(
            bucket=settings.S3_BUCKET_NAME,
            key=key.key,
            domain_name=self._domain.name,
            domain_id=self._domain.pk,
            ses_id=self._ses_id(key),
            recipients=tuple(sorted(recipients)),
            arrived_at=arrived_at,
            envelope_from=own.envelope_from,
            verdicts=own.verdicts,
            subject=mail.subject,
            sender=mail.sender,
            message_id=mail.message_id,
            size=key.size,
        )

    def _own_addresses(self, addresses: set[str]) -> set[str]:
        """Those that are addresses of the domain, with or without a label."""
        wanted = {part for address in addresses for part in (address, _without_label(address))}
        wanted = {address for address in wanted if address.endswith(f"@{self._domain.name}") and "\0" not in address}
        if not wanted:
            return set()
        return set(self._domain.email_addresses.filter(address__in=sorted(wanted)).values_list("address", flat=True))

    def _ses_id(self, key: StoredKey) -> str:
        return key.key.rpartition("/")[2]


def _without_label(address: str) -> str:
    """`user@` for `user+label@`, for which SES delivers it, too."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"
