"""The parts of the benchmark. Each has a function `measure`, which returns the text of its table.

Only `bench.__main__` imports them: `sweep` and `erasing` after Django has been set up, the others without it.
"""
