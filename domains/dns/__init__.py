"""DNS: the records that owners publish, what is left of them after a deletion, the resolver, and checks of its settings.

Everything in domains above the models may import it.
"""
