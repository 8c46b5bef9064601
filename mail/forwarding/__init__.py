"""Forward received emails through SES: endpoints of the types `email` and `email_group` (docs/architecture/forwarding.md).

- `attempt`: one attempt at a delivery; what it came to decides the delivery
- `sending`: send to each member, and record it at once
- `members`: whom a delivery goes to, and what has become of each
- `sender`: the address it is sent from
- `mails`: the mail that is sent, in memory: a forward, or a notice
- `bounces`: mails that say that a forward has bounced
- `trace`: the header that ends loops
- `header`, `texts`: the header block, and texts in it. Pure

Imports `delivery` and below. Only the worker imports it.
"""
