"""The state of the installation: what waits, since when, why, and who must act.

- `values`: its parts
- `wording`: its sentences
- `workers`, `ses`, `drift`, `deletions`, `mail`: what each of them contributes
- `read`: read all of it from the database
- `plain`: the state as JSON
"""
