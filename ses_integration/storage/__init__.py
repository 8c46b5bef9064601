"""Stored mail in S3: list it, measure it, read it, erase it. Archives of domains: upload them, read them, erase them.

Imports `aws` and below.
"""
