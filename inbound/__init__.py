"""The composition root: settings, URLs, the worker, API keys, the demo, and what every API request passes through.

Imports all apps; no app imports it.
"""
