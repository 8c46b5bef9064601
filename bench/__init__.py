"""The benchmark: `make bench`. It measures and asserts nothing about time.

`parts/` has one module per part. The rest is shared: timed requests (`requests`), rows (`seeding`) and counted SQL
statements (`statements`, `settings`). Nothing imports this package. It may import everything, test helpers included.
"""
