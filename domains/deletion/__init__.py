"""The deletion of a domain: the service, its record, the erasure of stored mail, and the proof that nothing is left."""
