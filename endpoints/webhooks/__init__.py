"""Webhooks: which addresses they may reach, the request itself, its signature, and sealed signing secrets.

No rows. The models and services of `endpoints` import it, and so does the app that delivers.
"""
