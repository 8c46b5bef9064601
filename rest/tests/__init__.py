"""What all REST endpoints share, without an app."""
