"""Dates as `backoffice.text.moment` has them."""
