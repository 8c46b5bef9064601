"""Forwards: what is composed of a mail, to whom it goes, and what becomes of it."""
