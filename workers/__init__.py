"""Which workers run, and what they last did. The lowest app beside `audit`: any app may import it.

- `models`: a row for each worker process
- `heartbeat`: how a worker says that it is alive
- `alive`: who is alive, and since when nobody is
- `metrics`: what a worker has counted, for Prometheus
- `wording`: what people read about work that waits for one
"""
