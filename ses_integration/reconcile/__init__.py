"""The reconciler, which makes SES hold what the rows say. docs/architecture/protocol.md explains the order of the steps.

- `outbox`: mark a domain dirty; `queue`: which domain is next
- `loop`: run passes over domains, for requests and the worker; `steps`: the values that a pass exchanges
- `snapshot`, `intent`: read rows and ledger, plan, and write down the next call
- `send`, `record`: make the call, record its answer
- `backoff`: when to try a failed domain again

Imports `aws` and below.
"""
