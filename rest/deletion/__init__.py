"""Deletions that a client confirms: the viewset with plan and dry run, its query parameters, the plan and its token.

The apps above may import it. The rest of `rest` does not.
"""
