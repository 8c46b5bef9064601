"""AWS clients, the gateway to SES, observations of SES, and the translation of AWS errors.

Builds every AWS client of the project, for `storage` and `doctor`, too. Imports `coordination` and below.
"""
