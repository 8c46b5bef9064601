"""AWS clients, the gateway to SES, observations of SES, and the translation of AWS errors.

Every AWS client of the project is built here; `storage` and `doctor` use them for S3 and for probes. Imports `coordination`
and below.
"""
