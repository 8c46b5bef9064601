"""People: what users may do to each other, and the ready groups. Admin pages and the app's start import it.

- `users`: who may change whom, and deactivation
- `groups`: viewer, operator and administrator, and what they may do
"""
