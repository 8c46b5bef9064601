"""What machines ask: probes and metrics.

- `probes`: /healthz, whether the process answers, and /readyz, whether the installation can work
- `metrics`: /metrics, in the format of Prometheus
- `gauges`: the state as gauges
"""
