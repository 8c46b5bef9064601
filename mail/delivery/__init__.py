"""Deliveries: which process makes one, what becomes of it, and how it is made again.

`claims` decides which process takes a delivery (`statement` is its SQL), `result` is what an attempt came to, and `finish` what
becomes of the delivery then, by `schedule` and `gates`. `expiry` gives up what was not made in time, and `replay` is what people
ask for. The attempts themselves are in `mail.webhooks` and `mail.forwarding`, above.
"""
