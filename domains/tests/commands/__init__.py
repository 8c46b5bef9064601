"""Commands of domains."""
