"""The two published DELETE pages, sentence by sentence: what a customer was told, and whether it holds.

`sentences.py` has the pages. Each test's docstring is the sentences that it proves, in the pages' words, a paragraph each;
`test_every_sentence.py` holds both together. How the deletions do it in detail is tested beside the apps.
"""
