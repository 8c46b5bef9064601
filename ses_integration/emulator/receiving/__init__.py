"""Mail arrives: receipt rules are applied, objects stored and notifications published, as SES does it.

`evaluation` and `content` are pure. Only `application`, `server` and the tests may import this package.
"""
