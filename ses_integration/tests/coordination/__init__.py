"""The lease, the rate limit and the quotas."""
