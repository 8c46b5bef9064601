"""What is known about SES, for answers, lists and deletion plans. It is read from the ledger; only `identities` can also ask SES.

- `sync_state`: which domains are not up to date, and why; `wording` has the sentences for people
- `confirmation`: what SES is confirmed not to hold any more
- `identities`: what SES says about identities, recorded or asked now
- `recipients`, `capacity`: what SES holds, and how full it is
- `preview`: the SES part of a deletion plan
- `warning`: the warning in an answer about a change that SES has not confirmed

Imports `reconcile` and below.
"""
