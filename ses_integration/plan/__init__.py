"""Pure functions from the spec of a domain to SES calls: compile, diff, simulate.

Imports neither Django nor boto3, and nothing else of `ses_integration`.
"""
