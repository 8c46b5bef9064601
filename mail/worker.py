"""The mail worker: receive notifications, ingest mail, sweep and erase, in the threads of one process."""
