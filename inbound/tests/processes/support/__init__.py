"""Start and stop processes, call them, and check what must hold in the end. `bench` uses them as well."""
