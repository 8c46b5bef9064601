"""The only package that talks to AWS: clients, the gateway, and the translation of AWS errors into ours.

Imports `coordination` for the rate limit. Used by `reconcile`, `storage`, `status`, `drift` and `doctor`.
"""
