"""Asking SES, in batches, whether identities are verified; the answers go into the ledger's facts."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from ses_integration import facts
from ses_integration.clock import database_now
from ses_integration.config import ses_config
from ses_integration.gateway import IDENTITIES_PER_CALL, Gateway
from ses_integration.models import IdentityFacts
from ses_integration.rate import take_turn


def refresh(domains: Sequence[str]) -> dict[str, IdentityFacts]:
    """Ask SES about these names, note what it says, and return it; two calls for each 100. Raises SesError.

    A name that SES does not know keeps no status: the sweep is what puts a lost identity back.
    """
    config = ses_config()
    gateway = Gateway(config)
    known = facts.identities(domains)
    for start in range(0, len(domains), IDENTITIES_PER_CALL):
        batch = [name for name in domains[start : start + IDENTITIES_PER_CALL] if name in known]
        if not batch:
            continue
        take_turn(config)
        statuses = gateway.verification(batch)
        take_turn(config)
        mail_from = gateway.mail_from(batch)
        now = database_now()
        with transaction.atomic():
            for name in batch:
                row = known[name]
                row.status = statuses.get(name, "")
                row.checked_at = now
                row.mail_from_domain, row.mail_from_status = mail_from.get(
                    name, (row.mail_from_domain, row.mail_from_status)
                )
                if row.mail_from_status == "Success":
                    row.mail_from_verified_at = row.mail_from_verified_at or now
            IdentityFacts.objects.bulk_update(
                [known[name] for name in batch],
                ["status", "checked_at", "mail_from_domain", "mail_from_status", "mail_from_verified_at"],
            )
    return known
