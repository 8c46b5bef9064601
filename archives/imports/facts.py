"""What an import creates and what it leaves to its owner, for command, API and admin."""

from __future__ import annotations

from typing import Any

from archives.imports.configure import Configuration
from archives.imports.plan import Plan
from backoffice.text import listed


def to_fill_in(configuration: Configuration) -> list[str]:
    """A sentence for each thing that the archive does not have."""
    plan = configuration.plan
    inactive = [
        f"Endpoint {endpoint.name} is inactive. {endpoint.inactive_reason}"
        for endpoint in configuration.endpoints.values()
        if endpoint.inactive_reason
    ]
    unrouted = f"No endpoint is known for {listed(plan.unrouted)}: choose one for each." if plan.unrouted else ""
    return [*inactive, *filter(None, [unrouted])]


def plan_values(plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        "endpoints": [
            {
                "id": endpoint.id,
                "name": endpoint.values["name"],
                "type": endpoint.values["type"],
                "isReused": endpoint.reused,
            }
            for endpoint in plan.endpoints
        ],
        "addresses": len(plan.addresses),
        "blockedEmails": len(plan.blocked),
        "catchAllEndpointId": plan.catch_all,
        "mailFromLabel": plan.mail_from_label or None,
        "receiveDmarcEmails": plan.receives_dmarc,
    }
