"""Adding a domain, following its identity, and switching catch-all. Used by the API, the admin and the worker."""
