"""Decisions of the doctor: each function takes what was observed and returns a `CheckResult`.

All pure, except `installation`, which runs the system checks and queries the database. Imports `probes` for its responses.
"""
