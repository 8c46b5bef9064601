"""Reading the environment: what each variable takes, what is refused and how, and rotating SECRET_KEY."""
