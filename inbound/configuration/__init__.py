"""The environment variables: what they may hold (`forms`, `hosts`, `aws`, `database`), and which there are (`declared`).

`inbound.settings`, `gunicorn.conf.py` and the demo read them from here. It does not import Django.
"""
