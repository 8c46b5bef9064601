"""Random requests to the real server, made from the published description (Schemathesis, Hypothesis).

- `rows`: the rows of the caller and of a stranger
- `cases`: requests that follow the description, break it, or are almost right
- `answers`: what every answer must keep
"""
