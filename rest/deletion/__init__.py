"""Deletions that a client confirms: the viewset with plan and dry run, its query parameters, and the plan's token.

The apps above may import it. The rest of `rest` does not.
"""
