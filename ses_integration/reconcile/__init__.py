"""The reconciler, which makes SES hold what the rows say. docs/architecture/protocol.md explains the order of the steps.

- `outbox`: mark a domain dirty; `queue`: which domain is next
- `loop`: run passes over domains, for requests and the worker; `values`: what the parts of a pass exchange
- `step`: one transaction of a pass: record the answer to a call, plan, and write down the next call
- `snapshot`, `record`: read rows and ledger; what an answer changes in the ledger
- `send`: make the call
- `backoff`: when to try a failed domain again

Imports `aws` and below.
"""
