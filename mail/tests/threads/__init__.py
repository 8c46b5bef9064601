"""Threads: references, and the emails that belong together."""
