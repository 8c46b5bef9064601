"""The edge to AWS SES: keeps what SES holds equal to what the rows say.

Start with `plan/`, then `reconcile/`. The apps above import `api.py`, the columns of `admin/` and the base classes of `cli/`.
No other package of the project talks to AWS.
"""
