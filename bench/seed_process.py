"""Create accounts with rows, with the models of the revision in the current folder. Started by `sides.Side.seed`.

Input and output are JSON. `bench.seeding` is that revision's own. So what this file uses of it stays as it is in every
revision that `--against` can compare.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django
from django.db import connection, transaction


def main() -> None:
    django.setup()
    from bench import seeding

    plan = json.load(sys.stdin)
    # A worker must not find a domain before its addresses.
    with transaction.atomic():
        # On a busy machine, making the rows of a large account takes longer than a process may be idle.
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        created = {name: _account(seeding, name, plan["state"], **rows) for name, rows in plan["accounts"].items()}
        if plan["state"] == "confirmed":
            seeding.record_as_confirmed()
    seeding.analyze()
    json.dump(created, sys.stdout)


def _account(seeding: Any, name: str, state: str, domains: dict[str, int], *, related: bool = False) -> dict[str, Any]:
    """Create an account. `domains`: the number of addresses a<slot>@<domain>, by domain name. `related`: other rows, too."""
    account = seeding.create_account(name)
    rows = seeding.create_domains(account.owner, domains)
    if state == "pending":
        seeding.mark_pending(rows)
    addresses: dict[str, list[str]] = {}
    for count in sorted(set(domains.values())):
        alike = [row for row in rows if domains[row.name] == count]
        ids = [address.pk for address in seeding.create_addresses(alike, account.endpoint_id, count)]
        addresses |= {row.name: ids[place * count : (place + 1) * count] for place, row in enumerate(alike)}
    if related:
        seeding.create_related(account.owner, rows)
    return {
        "key": account.key,
        "endpoint": account.endpoint_id,
        "domains": {row.name: row.pk for row in rows},
        "addresses": addresses,
    }


if __name__ == "__main__":
    main()
