"""Django's backend for PostgreSQL, which here gives up soon while the server is away. `inbound/settings.py` names it."""
