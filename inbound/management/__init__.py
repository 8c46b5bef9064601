"""The commands `create_api_key`, `demo` and `ses_worker`. Only Django imports it."""
