"""MIME in a process of its own, which has limits and may be killed.

Knows neither Django nor AWS, so that the process starts quickly. `parsed` holds the values that cross the pipe.
"""
