"""The cost of adding and deleting addresses."""

from __future__ import annotations

from textwrap import dedent

import pytest

from inbound.tests.cost.checks import assert_cost

pytestmark = pytest.mark.postgresql


# One or 100 addresses of a domain that keeps others.
SOME_OF_SEVERAL = """
    authenticate the key
    find the addresses among the caller's own
    lock the addresses
    mark the domain dirty
    delete the addresses
    add to the audit log
    -- commit
    take the lease
    lock the domain that is next
    read the ledger entries
    read the domain and its active addresses
    read the recorded recipients
    write the intent: entry unknown
    forget the recipients that the call removes
    write the intent: call in flight
    -- commit
    -- call UpdateReceiptRule
    settle the domain
    give the lease back
    clear the call
    record what the answer left
    -- commit
    confirm the removal
"""


def test_deleting_an_address_while_others_remain(ses, api, installation):
    [address, *_] = installation.add_addresses(2 + installation.others)
    assert_cost(
        ses,
        "Delete an address, others remain",
        lambda: api.delete(f"/api/v2/email-addresses/{address}"),
        SOME_OF_SEVERAL,
    )


def test_deleting_the_last_address(ses, api, installation):
    [address] = installation.add_addresses(1)
    assert_cost(
        ses,
        "Delete the last address of a domain",
        lambda: api.delete(f"/api/v2/email-addresses/{address}"),
        """
        authenticate the key
        find the addresses among the caller's own
        lock the addresses
        mark the domain dirty
        delete the addresses
        add to the audit log
        -- commit
        take the lease
        lock the domain that is next
        read the ledger entries
        read the domain and its active addresses
        read the recorded recipients
        write the intent: entry unknown
        forget the recipients that the call removes
        write the intent: call in flight
        -- commit
        -- call DeleteReceiptRule
        settle the domain
        give the lease back
        clear the call
        delete the entry, which is absent and not desired
        -- commit
        confirm the removal
        """,
    )


def test_deleting_100_addresses_of_one_domain(ses, api, installation):
    addresses = installation.add_addresses(101 + installation.others)[:100]
    assert_cost(
        ses,
        "Delete 100 addresses of one domain in one request",
        lambda: api.post("/api/v2/email-addresses/bulk-delete", {"ids": addresses}),
        SOME_OF_SEVERAL,
    )


def test_adding_the_first_address(ses, api, installation):
    body = {"address": "new@example.com", "domainId": installation.domain.pk, "endpointId": installation.endpoint.pk}
    assert_cost(
        ses,
        "Add the first address of a domain",
        lambda: api.post("/api/v2/email-addresses", body),
        """
        authenticate the key
        find the domain among the caller's own
        check that the address is free
        find the endpoint among the caller's own
        lock the domain
        find the lowest free slot
        insert the address
        mark the domain dirty
        read the reserved names and the learned limit
        lock the quotas of the rule set
        count the entries that use the quota
        reserve ledger entries
        add to the audit log
        -- commit
        take the lease
        lock the domain that is next
        read the ledger entries
        read the domain and its active addresses
        read the recorded recipients
        write the intent: entry unknown
        write the intent: call in flight
        -- commit
        -- call CreateReceiptRule
        settle the domain
        give the lease back
        clear the call
        record the new recipients
        record what the answer left
        -- commit
        read the address and its rule for the answer
        """,
    )


def test_adding_a_further_address(ses, api, installation):
    installation.add_addresses(1 + installation.others)
    body = {"address": "new@example.com", "domainId": installation.domain.pk, "endpointId": installation.endpoint.pk}
    assert_cost(
        ses,
        "Add a further address",
        lambda: api.post("/api/v2/email-addresses", body),
        """
        authenticate the key
        find the domain among the caller's own
        check that the address is free
        find the endpoint among the caller's own
        lock the domain
        find the lowest free slot
        insert the address
        mark the domain dirty
        read the reserved names and the learned limit
        add to the audit log
        -- commit
        take the lease
        lock the domain that is next
        read the ledger entries
        read the domain and its active addresses
        read the recorded recipients
        write the intent: entry unknown
        write the intent: call in flight
        -- commit
        -- call UpdateReceiptRule
        settle the domain
        give the lease back
        clear the call
        record the new recipients
        record what the answer left
        -- commit
        read the address and its rule for the answer
        """,
    )


def test_a_rate_limit_adds_two_statements_for_each_call(ses, api, installation, settings):
    settings.SES_CALLS_PER_SECOND = 100_000
    [_, address, *_] = installation.add_addresses(3 + installation.others)
    steps = dedent(SOME_OF_SEVERAL).strip().splitlines()
    steps.insert(steps.index("write the intent: entry unknown"), "claim a slot of the rate limit")
    steps.insert(steps.index("give the lease back") + 1, "keep the next slot at a distance")
    assert_cost(
        ses,
        "Delete an address, others remain",
        lambda: api.delete(f"/api/v2/email-addresses/{address}"),
        "\n".join(steps),
    )
