"""Mail that is sent: what SES refuses, what it changes, where the mail goes, and bounces on request.

`content` and `feedback` are pure. Only `application`, `server` and the tests may import this package.
"""
