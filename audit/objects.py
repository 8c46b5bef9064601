"""The objects that changes are about."""

from __future__ import annotations

import re

# Model by the API's word. These have a page in the admin.
MODELS = {
    "domain": "domains.domain",
    "deletion": "domains.domaindeletion",
    "emailAddress": "addresses.emailaddress",
    "blockedEmail": "addresses.blockedemail",
    "endpoint": "endpoints.endpoint",
    "email": "mail.receivedemail",
    "delivery": "mail.delivery",
    "apiKey": "inbound.apikey",
    "user": "auth.user",
    "group": "auth.group",
}
# Things that are not rows that people know.
OTHERS = {
    "signIn": "axes.accessattempt",
    "storedMail": "mail.message",
    "folder": "s3.folder",
    "resource": "ses_integration.ledgerentry",
    "synchronisation": "ses_integration.domainsync",
    "ruleSet": "ses_integration.rulesetstate",
}
WORDS = {label: word for word, label in {**MODELS, **OTHERS}.items()}


def spaced(word: str) -> str:
    """`email address` for `emailAddress`, as people read it."""
    return re.sub("(?<!^)([A-Z])", lambda found: f" {found[1].lower()}", word)
