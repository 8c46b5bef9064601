"""The parts of the benchmark. Each has a function `measure`, which returns the text of its table.

Imported by `bench.__main__` after Django has been set up.
"""
