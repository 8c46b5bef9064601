"""The reconciler: outbox, queue, plan, write the intent, send once, record the answer, until nothing differs.

Imports `plan`, `models`, `coordination` and `aws`. Used by `status`, `drift` and the facade.
"""
