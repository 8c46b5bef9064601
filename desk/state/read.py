"""Read the state from the database. Makes no AWS call."""
