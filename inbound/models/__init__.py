"""The models of `inbound`: API keys and idempotency records. Imported by `inbound` only."""

from inbound.models.api_keys import ApiKey, Scope, hash_key, issue_key
from inbound.models.idempotency import IdempotencyQuerySet, IdempotencyRecord, prune_idempotency_records

__all__ = [
    "ApiKey",
    "IdempotencyQuerySet",
    "IdempotencyRecord",
    "Scope",
    "hash_key",
    "issue_key",
    "prune_idempotency_records",
]
