"""What is deleted and can still be undone: domains in their grace period, and deleted addresses."""
