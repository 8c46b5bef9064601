"""The doctor's calls to AWS, and their responses. Nothing here decides whether a response is good or bad.

Imports `names` and the layers of `ses_integration` below the doctor.
"""
