"""The cost of a change: each SQL statement of a request with its purpose, the durable commits, and the calls to AWS.

`purposes` names the statements. `checks` compares a request with its expected steps, and with the ceilings in
docs/architecture/README.md, "What a change costs". A test that fails prints its new list, ready to paste.
Only tests of this package import it.
"""
