"""Admin pages of the ledger, and the SES columns and actions that the admin pages of other apps show."""

from ses_integration.admin import ledger as ledger
