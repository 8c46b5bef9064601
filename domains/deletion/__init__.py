"""The deletion of a domain: the service, its report, the erasure of stored mail, retries, and the verification of absence.

`record` maintains the report (the model DomainDeletion), `report` says what is in it, and `proof` verifies that nothing is left.
Higher layers of domains, the receivers and the worker may import it. It imports `deletion_plan`.
"""
