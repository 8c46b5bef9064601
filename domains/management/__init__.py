"""The command `ses_cleanup`. Only Django imports it."""
