"""How SES tells of a stored mail and of bounces: notifications from SQS and from SNS, as plain values.

Imports `aws` and below.
"""
