"""The admin kit: read-only pages, links, forms and deletions that go through services.

An app without models, for its templates and static files. Imports no other app; every app may import it.
"""
