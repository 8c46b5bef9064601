"""How much mail there is: totals of lists, and statistics. Only `mail.api` imports it."""
