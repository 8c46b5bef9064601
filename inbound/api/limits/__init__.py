"""Limits of requests by key (docs/api/README.md, "Limits"): `meter` counts them, `throttle` refuses those that are too many."""
