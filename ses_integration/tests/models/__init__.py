"""The prebuilt statements of `ses_integration.models`: each one runs beside its ORM form, which says what it does."""
