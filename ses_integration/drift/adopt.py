"""Taking something that is in SES and in no ledger into ours, so that the ordinary loop does with it what the rows want."""

from __future__ import annotations

from collections.abc import Callable, Collection

from django.db import transaction

from ses_integration.conf import SesConfig
from ses_integration.coordination.clock import database_now
from ses_integration.models import LedgerEntry, LedgerRecipient
from ses_integration.plan.compile import DesiredState
from ses_integration.plan.resources import Presence, ResourceKind
from ses_integration.reconcile import outbox, snapshot


def adopt_into_ledger(
    config: SesConfig,
    kind: ResourceKind,
    name: str,
    *,
    domain: str,
    recipients: Collection[str] = (),
    allowed: Callable[[DesiredState], bool] = lambda desired: True,
) -> bool:
    """One transaction: a ledger row "is there, with contents that we do not know", and a mark. False if it has one already.

    Record before you act: from its commit on nothing is forgotten, whoever dies. The loop plans it afresh from the rows:
    what they want is kept and put right, what they do not want is removed, and a rule only once nothing that replaces it
    is still on its way (`planning.plan`). `allowed` is asked about what the rows want with the mark held, so no change of
    them can come in between. An identity's tag is not taken on trust: `ours` is unknown, and the loop reads it again.
    """
    with transaction.atomic():
        outbox.raise_generation(config, domain)
        if not allowed(snapshot.desired_of(config, [domain])[domain]):
            transaction.set_rollback(True)
            return False
        entry, taken = LedgerEntry.objects.of(config).get_or_create(
            region=config.region,
            rule_set=config.rule_set,
            kind=kind,
            name=name,
            defaults={"domain": domain, "presence": Presence.UNKNOWN, "exists": True, "changed_at": database_now()},
        )
        if not taken:
            transaction.set_rollback(True)
            return False
        LedgerRecipient.objects.bulk_create(
            LedgerRecipient(entry=entry, recipient=recipient) for recipient in sorted(recipients)
        )
    return True
