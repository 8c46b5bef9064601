"""`ses_cleanup`: find what should be gone and is not, and render it. Used by that command only."""
