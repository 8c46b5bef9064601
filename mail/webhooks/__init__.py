"""Webhooks: the body about an email, its headers, an attempt at a delivery, and the test of an endpoint.

The API and the worker import it. The request itself and its signature are in `endpoints.webhooks`.
"""
