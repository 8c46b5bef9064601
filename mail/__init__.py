"""Received mail: learn of it, parse it, list it, erase it.

The app `inbound` may import it. It imports endpoints and the apps below, and uses ses_integration through the facade.
"""
