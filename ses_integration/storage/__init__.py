"""Stored mail in S3: list it, measure it, erase it.

Imports `aws` and below.
"""
