"""Examples of what plans show, from which the API's description is made (docs/api/plans.md)."""

from __future__ import annotations

from rest.fields import Optional, OrNull, like

RULE = "inbound-example.org-rule"
ADDRESSES = ["hello@example.org"]
RULES = like(
    [
        {
            "name": RULE,
            "before": OrNull(ADDRESSES),
            "after": OrNull(ADDRESSES),
            "isConfirmed": True,
            "inDoubt": ADDRESSES,
            "hasOthers": False,
        }
    ]
)
CALLS = like(
    {
        "calls": [{"action": "DeleteReceiptRule", "name": RULE, "when": "now"}],
        "count": 1,
        "seconds": 1.0,
        "waiting": ["example.org"],
        "problem": OrNull("The credentials lack a permission."),
    }
)
SENTENCES = like(["SES may still hold a rule."])
LOOKED_UP = {
    "type": "MX",
    "name": "example.org",
    "value": "10 inbound-smtp.eu-west-1.amazonaws.com",
    "purpose": "mail is sent to SES",
    "state": "published",
    "found": ["10 inbound-smtp.eu-west-1.amazonaws.com"],
    "why": OrNull("DNS does not answer."),
    "hint": OrNull("Remove it."),
}
USE = {"id": "dC7pQ2xVb9sKfJ0aLmN4e", "name": "CRM", "type": "webhook"}
NAMED = {"forwardsTo": ADDRESSES, "sendsFrom": OrNull("hello@example.org")}
COUNTED = {"emailAddresses": 1, "isCatchAll": False, "isUsedElsewhere": False}
DOMAIN = {"id": "indm_V1StGXR8Z5jdHi6BmyTkq", "name": "example.org", "isCatchAllEnabled": False}
STAYS = like(
    {"subdomains": ["shop.example.org"], "endpoints": [{**USE, **COUNTED, **NAMED}], "dnsRecords": [LOOKED_UP]}
)
STAYS_OF_ADDRESS = like(
    {
        "domain": {**DOMAIN, "emailAddresses": 1},
        "endpoint": OrNull({**USE, "isActive": True}),
        "dependentEndpoints": [{**USE, **NAMED}],
        "isBlocked": False,
    }
)
MAIL = {"emails": 4, "attachments": 2, "bytes": 9214}
STORED_MAIL = like(
    {
        "outcome": "erased",
        "location": "s3://inbound-mail/emails/example.org/indm_V1StGXR8Z5jdHi6BmyTkq/",
        "objects": OrNull(3),
        "versions": OrNull(3),
        "bytes": OrNull(9214),
        "complete": True,
        "problem": OrNull("S3 does not answer."),
        "exports": Optional(1),
    }
)
ROWS = like({"blockedEmails": 0, "emailAddresses": 1, "activeEmailAddresses": 1, "dnsRecords": 9, "digest": "5f1d…"})
