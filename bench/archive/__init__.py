"""The part `archive` of the benchmark: a domain is exported, deleted and imported."""
