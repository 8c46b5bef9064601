"""A mail and what SES writes about it: header fields and notification. Pure."""
