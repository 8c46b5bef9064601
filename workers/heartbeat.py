"""How a worker says that it is alive."""
