"""The commands of API keys, `demo` and `ses_worker`. Only Django imports them."""
