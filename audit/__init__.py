"""The audit log: every change, who made it, and through which door. The lowest app beside `workers`: any app may import it.

- `models`: the log, to which rows are only added
- `origin`: who is acting in this thread, set by requests, commands and workers
- `record`: add changes to the log, in the transaction that makes them
"""
