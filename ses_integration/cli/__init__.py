"""What management commands share.

- `base`: exit codes, errors, and reconciling with progress; for the commands of all apps
- `leftovers`: the search of `ses_cleanup`; for that command and `domains.cleanup`, which adds what the rows say and renders it
- `drift_report`: output of `ses_reconcile`; only for the commands of `ses_integration`

Imports `drift` and below.
"""
