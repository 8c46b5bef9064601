"""The plan of an address deletion, and deletions that confirm one."""
