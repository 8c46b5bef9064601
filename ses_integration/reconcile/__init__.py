"""The reconciler: makes SES hold what the rows say. outbox -> queue -> snapshot and intent -> send -> record, until settled.

docs/architecture/protocol.md explains the order of the steps. Imports `aws`, `coordination`, `models` and `plan`. `status`,
`drift` and the facade may import it.
"""
