"""What is known about SES, read from the ledger for answers, lists and deletion plans. Only `verification` calls SES.

- `pending`, `sync_state`: which domains are not up to date, and why; `wording` has the sentences for people
- `confirmation`: what SES is confirmed not to hold any more
- `recipients`, `identities`, `capacity`: what SES holds, and how full it is
- `preview`: the SES part of a deletion plan
- `verification`: look-ups of identities

Imports `reconcile` and below.
"""
