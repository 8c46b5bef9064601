"""What management commands share: exit codes, tables, the drift report, and the search for leftovers.

Imports `drift` and below. For management commands only, including those of the apps above.
"""
