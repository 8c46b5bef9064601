"""The desk in the admin: home, work list, drift, capacity, internals."""
