"""The plan of a domain deletion, and deletions that confirm one."""
