"""API keys with their requests, and idempotency records: models and what writes them. Only `inbound` may import it."""

from inbound.models.api_keys import ApiKey, Scope, hash_key, issue_key, rename_key, revoke_key
from inbound.models.idempotency import IdempotencyQuerySet, IdempotencyRecord, prune_idempotency_records
from inbound.models.requests import KeyRequests, add_requests

__all__ = [
    "ApiKey",
    "IdempotencyQuerySet",
    "IdempotencyRecord",
    "KeyRequests",
    "Scope",
    "add_requests",
    "hash_key",
    "issue_key",
    "prune_idempotency_records",
    "rename_key",
    "revoke_key",
]
