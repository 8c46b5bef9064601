"""Mail that we send through SES: one mail to one recipient, at the account's rate, with bounces as events.

- `send`: the call, and what its errors mean for the mail and for others
- `slots`: the account's rate and daily quota, shared by all processes
- `feedback_mail`: SES's mails about bounces, which the events replace

Imports `setup` and below.
"""
