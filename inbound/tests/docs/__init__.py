"""Tests of the documents: links, citations, names, and the commands that they tell you to type."""
