"""Erasure: one mail, mail that is too old, and the rows of a deleted domain."""
