"""Sending mail: the call, the account's limits, and SES's mails about bounces."""
