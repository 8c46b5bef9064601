"""The state of the installation: what waits, since when, why, and who must act.

- `values`: its parts
- `read`: read all of it from the database
"""
