"""DNS look-ups, records left over after a deletion, and checks of the DNS settings."""
