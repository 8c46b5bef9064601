"""Exports: build an archive part by part, store it, let it be downloaded, erase it.

The API, admin pages and commands of the app may import it.
"""
