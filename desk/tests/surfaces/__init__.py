"""A fault shows on every surface, in the same words, until it is mended: one module for each fault.

`conftest` reads the surfaces: the desk, `ses_status`, /readyz, /metrics and `GET /ses/status`.
"""
