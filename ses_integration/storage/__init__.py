"""Stored mail in S3: count it and erase it.

Imports `aws` and below. Used by the facade.
"""
