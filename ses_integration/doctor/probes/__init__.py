"""The doctor's calls to AWS and what they returned. Nothing here decides whether that is good or bad.

Imports `names`. Imported by `checks`, for the responses, and by `diagnosis`.
"""
