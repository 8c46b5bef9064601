"""Deliveries: which process makes one, what becomes of it, and how it is made again.

`result` is what an attempt came to. The attempts themselves are in `mail.webhooks` and `mail.forwarding`, above.
"""
