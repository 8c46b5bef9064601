"""Everything about AWS: make SES hold what the rows of the apps above say, and report what it holds.

Start with docs/architecture/README.md, then `plan/`, then `reconcile/`. The apps above may import `api.py`. Their admin
pages may also import `admin/columns.py` and `admin/actions.py`, their commands `cli/base.py`, and `ses_cleanup` also
`cli/leftovers.py` (docs/adr/0011-one-facade.md). No other package of the project talks to AWS.
"""
