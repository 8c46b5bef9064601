"""Domains that are added, verified, and added again after a deletion."""
