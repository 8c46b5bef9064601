"""A receiver of webhooks at `/_hooks/NAME`, which remembers what it gets and can be told to fail.

Knows nothing of AWS. Only `application`, `server` and the tests may import this package.
"""
