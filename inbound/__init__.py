"""The composition root: settings, URLs, the worker, API keys, the demo, and what every request passes through (`web`, `api`).

It may import every app. No app imports it.
"""

__version__ = "0.2.0"
