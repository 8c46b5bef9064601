"""The services of a live domain: add it, apply what SES says about its identity, switch catch-all.

`admin`, `api` and the apps above may import it. It imports `deletion`, because a name can be added again during its deletion.
"""
