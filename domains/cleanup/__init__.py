"""What should be gone and is not, for `ses_cleanup`: find it and report it."""
