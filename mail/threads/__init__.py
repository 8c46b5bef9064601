"""Threads: which emails of an owner belong together, by Message-ID, In-Reply-To and References. Imports the models only."""
