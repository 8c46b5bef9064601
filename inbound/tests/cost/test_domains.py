"""The cost of adding and deleting domains, and of switching catch-all."""

from __future__ import annotations

import pytest

from inbound.tests.cost.checks import assert_cost

pytestmark = pytest.mark.postgresql


def test_adding_a_domain(ses, api, installation):
    assert_cost(
        ses,
        "Add a domain",
        lambda: api.post("/api/v2/domains", {"domain": "example.org"}),
        """
        authenticate the key
        lock the registrable name
        check that the name is free
        insert the domain
        mark the domain dirty
        insert the DNS records that are known
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
        write the intent: entry unknown
        write the intent: call in flight
        -- commit
        -- call CreateEmailIdentity
        renew the lease
        clear the call
        read the details of the identity
        record the details of the identity
        record what the answer left
        lock the domain's sync state
        write the intent: entry unknown
        write the intent: call in flight
        -- commit
        -- call VerifyDomainIdentity
        renew the lease
        clear the call
        record the verification token
        record what the answer left
        lock the domain's sync state
        write the intent: entry unknown
        write the intent: call in flight
        -- commit
        -- call SetIdentityMailFromDomain
        settle the domain
        give the lease back
        clear the call
        record the MAIL FROM domain
        record what the answer left
        -- commit
        read the recorded identity for the answer
        lock the domain
        store the status of the identity
        record the change of status
        add to the audit log
        insert the DNS records that are known
        -- commit
        """,
    )


def test_deleting_a_domain_with_11_addresses(ses, api, installation):
    installation.add_addresses(11 + installation.others)
    assert_cost(
        ses,
        "Delete a domain with 11 addresses",
        lambda: api.delete(f"/api/v2/domains/{installation.domain.pk}"),
        """
        authenticate the key
        find the domain among the caller's own
        lock the domain
        read the DNS records for the report
        read the rules for the report
        insert the report
        begin the domain's deletion
        mark the domain dirty
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
        renew the lease
        clear the call
        record what the answer left
        lock the domain's sync state
        delete the entry, which is absent and not desired
        write the intent: entry unknown
        write the intent: call in flight
        -- commit
        -- call DeleteEmailIdentity
        settle the domain
        give the lease back
        clear the call
        delete the details of the identity
        mark the identity absent in the ledgers of other rule sets
        delete the entry, which is absent and not desired
        -- commit
        lock the domain, if it is being deleted
        delete the domain's blocked emails
        delete the domain's addresses
        delete the domain's DNS records
        delete the domain's status history
        delete the domain
        lock the report
        read what SES still holds of the domain
        lock a batch of the domain's mail
        delete what is left of the counts of mail
        find the state of the domain's sweep
        report rules, identity and rows, those of mail included, and claim the mail
        -- commit
        -- call ListObjectVersions
        lock the report
        add to the audit log
        report that the mail is erased
        -- commit
        """,
    )


# The pass creates the rule that replaces another, and then removes that one.
REPLACE_A_RULE = """
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
    renew the lease
    clear the call
    record the new recipients
    record what the answer left
    lock the domain's sync state
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
    read the domain and its rule for the answer
"""


def test_switching_catch_all_on(ses, api, installation):
    installation.add_addresses(1 + installation.others)
    body = {"isCatchAllEnabled": True, "catchAllEndpointId": installation.endpoint.pk}
    assert_cost(
        ses,
        "Switch catch-all on",
        lambda: api.put(f"/api/v2/domains/{installation.domain.pk}", body),
        """
        authenticate the key
        find the domain among the caller's own
        find the endpoint among the caller's own
        lock the domain
        switch catch-all
        mark the domain dirty
        """,
        REPLACE_A_RULE,
    )


def test_switching_catch_all_off(ses, api, installation):
    installation.add_addresses(1 + installation.others)
    path = f"/api/v2/domains/{installation.domain.pk}"
    switch_on = api.put(path, {"isCatchAllEnabled": True, "catchAllEndpointId": installation.endpoint.pk})
    assert switch_on.status_code == 200
    assert_cost(
        ses,
        "Switch catch-all off",
        lambda: api.put(path, {"isCatchAllEnabled": False, "catchAllEndpointId": None}),
        """
        authenticate the key
        find the domain among the caller's own
        lock the domain
        switch catch-all
        mark the domain dirty
        read the addresses that need rules again
        """,
        REPLACE_A_RULE,
    )
