"""The part `mail`: how fast mail becomes listed and read, and what reading lists of it costs.

`part` runs all of it. Each of the other modules measures one thing; `worker_process` runs a mail worker and counts.
"""
