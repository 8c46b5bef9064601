"""The cost of requests. Of a change: each SQL statement with its purpose, the durable commits, and the calls to AWS. Of a
list: the number of its statements.

`purposes` names the statements of a change. `checks` compares a change with its expected steps, and with the ceilings in
docs/architecture/README.md, "What a change costs". A test that fails prints its new list, ready to paste.
Only tests of this package import it.
"""
