"""The deletion of a domain: the service, its record, the erasure of stored mail, retries, and the proof that nothing is left.

Imported by `lifecycle`, `cleanup`, `admin`, `api`, the commands, the receivers and the worker. Imports `deletion_plan`.
"""
