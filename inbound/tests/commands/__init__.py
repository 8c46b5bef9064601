"""Commands of the composition root, and the exit codes of all commands."""
