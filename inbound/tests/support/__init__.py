"""Helpers for the tests of every app: rows, the emulated AWS, the admin site, generated input, a quick test database."""
