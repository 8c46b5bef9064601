"""Management commands of `ses_integration`."""
