"""API keys and idempotency records: models, and the functions that write them. Only `inbound` may import it."""

from inbound.models.api_keys import ApiKey, Scope, hash_key, issue_key, rename_key, revoke_key
from inbound.models.idempotency import IdempotencyQuerySet, IdempotencyRecord, prune_idempotency_records

__all__ = [
    "ApiKey",
    "IdempotencyQuerySet",
    "IdempotencyRecord",
    "Scope",
    "hash_key",
    "issue_key",
    "prune_idempotency_records",
    "rename_key",
    "revoke_key",
]
