"""Acceptance tests of the two published DELETE pages.

Each test names the promises that it shows with `@keeps`. `promises.py` lists their ids, and `docs/promises.md` explains
them. The details of both deletions are tested in the apps.
"""
