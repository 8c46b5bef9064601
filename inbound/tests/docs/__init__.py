"""Proof that the documents are right: links, citations, settings, commands, calls, and what they tell you to type."""
