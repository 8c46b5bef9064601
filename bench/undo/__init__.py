"""The part `undo` of the benchmark: many domains in their grace periods."""
