"""What the deletion of an email address would do: one value, and its renderings."""
