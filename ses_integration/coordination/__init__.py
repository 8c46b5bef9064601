"""Who may write to SES, when, and for how long: the lease, the rate limit, deadlines, quotas and one clock.

Imports `models` and below.
"""
