"""What can happen, and to which objects."""

from __future__ import annotations

import re
from enum import StrEnum


class Action(StrEnum):
    """A participle that follows the object's name, for people and in the API."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"
    # Of what was deleted, and of the tombstone of an address.
    RESTORED = "restored"
    LIFTED = "lifted"
    # Of access to a domain, by whoever had it.
    GIVEN_UP = "given up"
    # Of a domain: somebody did not wait for the worker.
    PUSHED = "pushed"
    # Of a domain's deletion.
    FINISHED = "finished"
    PROVED = "proved"
    # Of the grace period of a deletion.
    EXTENDED = "extended"
    ENDED = "ended"
    # Of deletions, deliveries and event notices.
    RETRIED = "retried"
    # Of deliveries, event notices and received mail.
    WITHDRAWN = "withdrawn"
    RELEASED = "released"
    # What was stored, for good.
    ERASED = "erased"
    # Of a domain: its archive was asked for, was imported, or was fetched.
    EXPORTED = "exported"
    IMPORTED = "imported"
    DOWNLOADED = "downloaded"
    # Of keys, endpoints and their secrets.
    REVOKED = "revoked"
    ROTATED = "rotated"
    RESEALED = "resealed"
    TESTED = "tested"
    # Of signing in.
    UNLOCKED = "unlocked"
    SWITCHED_OFF = "switched off"
    # Of what SES and S3 hold.
    ADOPTED = "adopted"
    REPAIRED = "repaired"
    FORGOTTEN = "forgotten"
    SET_UP = "set up"


# Model by the API's word. These have a page in the admin.
MODELS = {
    "domain": "domains.domain",
    "access": "domains.domainaccess",
    "deletion": "domains.domaindeletion",
    "emailAddress": "addresses.emailaddress",
    "deletedAddress": "addresses.deletedaddress",
    "blockedEmail": "addresses.blockedemail",
    "endpoint": "endpoints.endpoint",
    "email": "mail.receivedemail",
    "delivery": "mail.delivery",
    "eventNotice": "mail.eventnotice",
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
    return re.sub("(?<!^)([A-Z])", lambda found: f" {found[1].lower()}", word).replace("api key", "API key")
