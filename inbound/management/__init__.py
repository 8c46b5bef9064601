"""The commands `create_api_key`, `demo` and `ses_worker`. Django imports them; nothing else does."""
