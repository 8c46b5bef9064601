"""Routing: the decision, what it is read from, and what it writes."""
