"""What can happen to an object."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """A participle that follows the object's name, for people and in the API."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"
    # Of a domain: somebody did not wait for the worker.
    PUSHED = "pushed"
    # Of a domain's deletion.
    FINISHED = "finished"
    PROVED = "proved"
    # Of deletions and deliveries.
    RETRIED = "retried"
    # Of deliveries and received mail.
    WITHDRAWN = "withdrawn"
    RELEASED = "released"
    # What was stored, for good.
    ERASED = "erased"
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
