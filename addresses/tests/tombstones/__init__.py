"""Tombstones of deleted addresses: left, restored and lifted."""
