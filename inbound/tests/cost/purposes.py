"""The purpose of each SQL statement on the path of a change."""

from __future__ import annotations

import re

# For each verb and table: a part of the statement that tells it from others, and its purpose. The first that fits counts.
PURPOSES: dict[str, list[tuple[str, str]]] = {
    # The request.
    "SELECT inbound_apikey": [("key_hash = ", "authenticate the key")],
    "SELECT endpoints_endpoint": [("owner_id = ", "find the endpoint among the caller's own")],
    "INSERT audit_change": [("", "add to the audit log")],
    # Addresses.
    "SELECT addresses_emailaddress": [
        ("FOR UPDATE", "lock the addresses"),
        ("AS receipt_rule_name", "read the address and its rule for the answer"),
        ("owner_id = ", "find the addresses among the caller's own"),
        ("addresses_emailaddress.address = ", "check that the address is free"),
        ("domain_id = ", "read the addresses that need rules again"),
    ],
    "WITH slots": [("addresses_emailaddress", "find the lowest free slot")],
    "INSERT addresses_emailaddress": [("", "insert the address")],
    "DELETE addresses_emailaddress": [
        ("id IN", "delete the addresses"),
        ("domain_id = ", "delete the domain's addresses"),
    ],
    "DELETE addresses_blockedemail": [("domain_id = ", "delete the domain's blocked emails")],
    # Domains.
    "SELECT pg_advisory_xact_lock": [("hashtextextended", "lock the registrable name")],
    "SELECT domains_domain": [
        ("deleting_since IS NOT NULL", "lock the domain, if it is being deleted"),
        ("FOR UPDATE", "lock the domain"),
        ("AS catch_all_rule_name", "read the domain and its rule for the answer"),
        ("::text LIKE ", "check that the name is free"),
        ("LEFT JOIN addresses_emailaddress", "read the domain and its active addresses"),
        ("owner_id = ", "find the domain among the caller's own"),
    ],
    "INSERT domains_domain": [("", "insert the domain")],
    "UPDATE domains_domain": [
        ("SET is_catch_all_enabled", "switch catch-all"),
        ("SET deleting_since", "begin the domain's deletion"),
        ("SET status", "store the status of the identity"),
    ],
    "DELETE domains_domain": [("id = ", "delete the domain")],
    "SELECT domains_dnsrecord": [("domain_id = ", "read the DNS records for the report")],
    "INSERT domains_dnsrecord": [("", "insert the DNS records that are known")],
    "INSERT domains_statuschange": [("", "record the change of status")],
    "DELETE domains_statuschange": [("domain_id = ", "delete the domain's status history")],
    "DELETE domains_dnsrecord": [("domain_id = ", "delete the domain's DNS records")],
    "SELECT domains_domaindeletion": [("FOR UPDATE", "lock the report")],
    "INSERT domains_domaindeletion": [("", "insert the report")],
    "UPDATE domains_domaindeletion": [
        ("stored_mail_at = ", "report that the mail is erased"),
        ("rows_at = ", "report rules, identity and rows, those of mail included, and claim the mail"),
    ],
    # Received mail.
    "SELECT mail_mailcount": [("domain__name", "count the mail of each domain")],
    "SELECT mail_receivedemail": [
        ("SELECT 1 AS a", "look for other recipients"),
        ("arrived_at < ", "count the mail of a part of an hour"),
        ("COUNT(*)", "count the mail that a search finds"),
        ("UNNEST", "read a page of mail"),
        ("mail_receivedemail.id IN ", "lock the emails to be marked"),
        ("message_id IN", "lock the emails of the message"),
        ("owner_id = ", "find the email among the caller's own"),
    ],
    "SELECT mail_delivery": [
        ("COUNT", "count the deliveries of the email"),
    ],
    "SELECT COUNT FROM  AS locked": [("mail_delivery", "lock the deliveries")],
    "DELETE mail_deliveryattempt": [("", "delete the attempts at deliveries")],
    "DELETE mail_forwardrecipient": [("", "delete who the deliveries forwarded to")],
    "DELETE mail_messagereference": [("", "delete the messages' place in threads")],
    "DELETE mail_delivery": [("", "delete the deliveries")],
    "UPDATE mail_receivedemail": [("SET is_", "mark the emails")],
    "DELETE mail_receivedemail": [
        ("message_id IN", "delete all emails of the message"),
        ("id = ", "delete the email"),
    ],
    "UPDATE mail_message": [
        ("state = 'erasing', retry_at", "blank the message, which is to be erased"),
        ("SET erased_at", "record that the stored message is erased"),
    ],
    "SELECT mail_message": [
        ("LIMIT 500 FOR UPDATE", "lock a batch of the domain's mail"),
        ("LIMIT 1 FOR UPDATE", "lock the message"),
    ],
    "DELETE mail_mailcount": [("domain_id = ", "delete what is left of the counts of mail")],
    "SELECT mail_mailsweep": [("domain_id = ", "find the state of the domain's sweep")],
    # Outbox and lease.
    "UPDATE ses_integration_domainsync": [
        ("SET observed_generation = generation", "settle the domain"),
    ],
    "INSERT ses_integration_domainsync": [("SET generation = s.generation + 1", "mark the domain dirty")],
    "SELECT ses_integration_domainsync": [
        ("ORDER BY s.queued_at", "lock the domain that is next"),
        ("FOR UPDATE", "lock the domain's sync state"),
        ("SELECT EXISTS", "confirm the removal"),
    ],
    "UPDATE ses_integration_lease": [
        ("fence = fence + 1", "take the lease"),
        ("SET holder = ''", "give the lease back"),
        ("SET expires_at = ", "renew the lease"),
    ],
    # Quotas and the rate limit.
    "SELECT ses_integration_rulesetstate": [("FOR UPDATE", "lock the quotas of the rule set")],
    "UPDATE ses_integration_ratelimit": [
        ("next_slot <= ", "claim a slot of the rate limit"),
        ("next_slot < ", "keep the next slot at a distance"),
    ],
    # The ledger.
    "SELECT ses_integration_ledgerentry": [
        ("AS __count", "count the entries that use the quota"),
        ("recipients_per_rule", "read the reserved names and the learned limit"),
        ("ledgeridentity i", "read the ledger entries"),
        ("NOT (ses_integration_ledgerentry.region = ''", "read what SES still holds of the domain"),
        ("digest AS digest", "read the rules for the report"),
    ],
    "INSERT ses_integration_ledgerentry": [("", "reserve ledger entries")],
    "UPDATE ses_integration_ledgerentry": [
        ("NOT (ses_integration_ledgerentry.id = ", "mark the identity absent in the ledgers of other rule sets"),
        ("SET presence = 'unknown'", "write the intent: entry unknown"),
        ("SET presence = ", "record what the answer left"),
    ],
    "DELETE ses_integration_ledgerentry": [("id = ", "delete the entry, which is absent and not desired")],
    "SELECT ses_integration_ledgerrecipient": [("SELECT entry_id, recipient", "read the recorded recipients")],
    "INSERT ses_integration_ledgerrecipient": [("", "record the new recipients")],
    "DELETE ses_integration_ledgerrecipient": [("recipient IN", "forget the recipients that the call removes")],
    "INSERT ses_integration_inflightcall": [("", "write the intent: call in flight")],
    "DELETE ses_integration_inflightcall": [("id IN", "clear the call")],
    "SELECT ses_integration_ledgeridentity": [
        ("ledgerentry.domain IN", "read the recorded identity for the answer"),
        ("entry_id = ", "read the details of the identity"),
    ],
    "INSERT ses_integration_ledgeridentity": [("", "record the details of the identity")],
    "UPDATE ses_integration_ledgeridentity": [
        ("SET verification_token", "record the verification token"),
        ("SET mail_from_domain", "record the MAIL FROM domain"),
    ],
    "DELETE ses_integration_ledgeridentity": [("entry_id = ", "delete the details of the identity")],
}


def purpose_of(sql: str) -> str:
    """The purpose of a statement with its parameters. Raises LookupError with the SQL if it has none."""
    text = " ".join(sql.replace('"', "").split())
    for part, purpose in PURPOSES.get(_verb_and_table(text), []):
        if part in text:
            return purpose
    raise LookupError(f"No purpose in {__name__} fits {_verb_and_table(text)}: {text}")


def _verb_and_table(text: str) -> str:
    """`SELECT domains_domain`, for example, or the function if there is no table."""
    outer = re.sub(r"'[^']*'", "", text)
    without_inner = None
    while outer != without_inner:
        without_inner, outer = outer, re.sub(r"\([^()]*\)", "", outer)
    table = re.search(r"\b(?:FROM|INTO|UPDATE) (\w+)", outer)
    return f"{outer.split()[0]} {table[1]}" if table else outer
