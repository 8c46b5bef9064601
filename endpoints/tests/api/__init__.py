"""The API of endpoints, one file for each call."""
