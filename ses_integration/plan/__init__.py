"""Pure functions from a domain's spec to SES calls: compile, diff, simulate.

Imports neither Django nor boto3. Every other package of `ses_integration` may import it.
"""
