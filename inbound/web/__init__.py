"""What every request passes through before the API and the admin.

- `requests`: the middleware that begins a request: its id, its origin, its line in the log
- `records`: the request that a log record belongs to
- `probes`: the middleware that answers /healthz, /readyz and /metrics
- `measured`: how long requests take, as a metric
- `remote`: the client's address, also behind a proxy
"""
