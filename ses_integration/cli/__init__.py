"""What management commands share: exit codes, tables, the drift report, and the search for leftovers.

Imports everything below. Used by management commands only, including those of the apps above.
"""
