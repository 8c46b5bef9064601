"""The grace period of a deletion: until its end a deleted domain can be restored (docs/architecture/deletion.md, "Grace period").

`period` says what is possible. `end` and `restore` do it, under the same locks, so exactly one of them wins. Verification, the
life cycle and higher layers of domains may import it, and the worker. It imports `deletion`.
"""
