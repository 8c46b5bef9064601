"""People: what users may do to each other, the ready groups, and signing in. Admin pages, commands and the app's start import it.

- `users`: who may change whom, and deactivation
- `groups`: viewer, operator and administrator, and what they may do
- `sign_in`: what follows too many wrong passwords, and how it is taken back
"""
