"""The command `ses_cleanup`. Django imports it; nothing else does."""
