"""How SES tells of a stored mail: notifications from SQS and from SNS, as one value.

Imports `aws` and below.
"""
