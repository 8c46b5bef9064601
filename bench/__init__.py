"""The benchmark: `make bench`. It measures and asserts nothing about time.

`parts/` has one module per part. A part measures one or two installations (`sides`), which may run other revisions
(`revisions`), with timed requests (`requests`) in alternation (`compare`). Rows are created in bulk (`seeding`, by
`seed_process`), and SQL statements counted (`statements`, `settings`). Nothing imports this package. It may import
everything, test helpers included.
"""
