"""Everything about AWS: make SES hold what the rows of the apps above say, and report what it holds.

Start with docs/architecture/README.md, then `plan/`, then `reconcile/`. The apps above may import `api.py`, the columns of
`admin/` and the base classes of `cli/`. No other package of the project talks to AWS.
"""
