"""Proof that the documents are right: links, citations, names, and what they tell you to type."""
