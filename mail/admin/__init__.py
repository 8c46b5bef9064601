"""Admin pages of received mail."""
