"""Exports: ask for an archive, make it in the mail worker, download it, erase it.

The API, admin pages and commands of the app may import it.
"""
