"""What the deletion of a domain would do: one value, and its renderings as JSON, text and admin page."""
