"""The reconciler: outbox, queue, passes and retries."""
