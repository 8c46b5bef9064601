"""The API of the desk. Only URLs import it."""
