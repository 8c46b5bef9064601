"""What the `ses_*` commands share: exit codes, tables and reports.

Imports everything below. Used by management commands only, also those of the apps above.
"""
