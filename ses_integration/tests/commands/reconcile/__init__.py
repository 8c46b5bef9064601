"""`ses_reconcile`: what it plans, repairs with --apply, and replaces with --adopt."""
