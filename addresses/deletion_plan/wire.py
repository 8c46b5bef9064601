"""The wire of an address's deletion plan."""

from __future__ import annotations

from typing import Any

from addresses.deletion_plan.build import AddressPlan
from domains.deletion_plan.wire import calls, moment, named, rule


def shown(plan: AddressPlan) -> dict[str, Any]:
    """The answer to GET /email-addresses/{id}/deletion-plan, and to DELETE with `dry_run=true`."""
    database = plan.database
    route = database.route
    return {
        "emailAddress": {"id": plan.subject.pk, "address": database.address, "isActive": database.active},
        "token": str(plan.token),
        "isCertain": plan.certain,
        "receiptRules": [rule(it) for it in database.ses.rules],
        "sesCalls": calls(database.ses, database.ses_seconds, plan.outside.problem),
        "sesConfirmedAt": moment(plan.confirmed_at),
        "sesProblems": list(database.ses.problems),
        "stays": {
            "domain": {
                "id": database.domain_id,
                "name": database.domain,
                "emailAddresses": database.other_addresses,
                "isCatchAllEnabled": database.catch_all,
            },
            "endpoint": route and {"id": route.id, "name": route.name, "type": route.type, "isActive": route.active},
            "dependentEndpoints": [
                {"id": it.id, "name": it.name, "type": it.type, **named(it.names)} for it in database.dependants
            ],
            "isBlocked": database.blocked,
        },
    }
