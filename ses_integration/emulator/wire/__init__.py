"""The HTTP side of the emulator: requests parsed into AWS calls, responses and errors in each service's format.

Knows nothing of what SES holds. Everything else in the emulator may import it.
"""
