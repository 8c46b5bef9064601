"""How fast mail gets to an endpoint: `measures`, and the `receiver` of its webhooks."""
