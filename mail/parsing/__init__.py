"""MIME in a process of its own, which has limits and may be killed.

Knows neither Django nor AWS, so that the process starts quickly. `pool` is for the other packages: it reads a mail in a child
(`process`, `pipe`), which is `child` and uses `reading`. `parsed` holds the values that come back, `limits` what is cut.
"""
