"""Helpers for tests of the SES integration: rows without the apps above, SES's state, and single steps of the protocol."""
