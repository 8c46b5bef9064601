"""The worker: threads and processes that take mail from the queue to the lists."""
