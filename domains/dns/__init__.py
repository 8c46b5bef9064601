"""DNS: the records that owners publish, what is left of them after a deletion, the resolver, and checks of the settings.

Imported by everything in domains above the models.
"""
