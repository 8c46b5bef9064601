"""Ingest: fetch a mail from the bucket, parse it, and store what it says in its row.

`claims` decides which process takes a mail, `ingest` is the work, `room` limits how many bytes it has in hand. Imports the
models and `mail.parsing`.
"""
