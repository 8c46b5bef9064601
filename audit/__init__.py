"""The audit log: every change, who made it, and through which door. The lowest app beside `workers`: any app may import it.

- `actions`: what can happen to an object
- `models`: the log, to which rows are only added; `append_only` has the triggers that see to it
- `origin`: who is acting in this thread, set by requests, commands and workers
- `record`: add changes to the log, in the transaction that makes them; `users` does that for users and groups
- `retention`: the end of old entries
- `admin`, `api`: show the log
"""
