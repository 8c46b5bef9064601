"""Webhooks: addresses, requests to real sockets, signatures and sealed secrets."""
