"""Admin pages of the ledger, and the SES columns and the action "Push to SES now" for the admin pages of the apps above.

`ledger` registers the pages, `columns` and `actions` are shared. Imports `status` and below.
"""

from ses_integration.admin import ledger as ledger
