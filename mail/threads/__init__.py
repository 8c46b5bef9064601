"""Threads: which emails that a user sees belong together, by Message-ID, In-Reply-To and References. Imports the models only."""
