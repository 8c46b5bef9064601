"""The operator's desk: what waits, what is wrong and who must act, in one place for all who ask.

- `state`: computes it from the database, and words it
- `models`, `samples`: how full the quotas were on each day
- `pages`: the admin's home page, work list, drift, capacity and internals
- `machine`: /healthz, /readyz and /metrics
- `api`: GET /ses/status
- `management`: `ses_status`
"""
