"""DNS: the records that owners publish, whether they are right, what is left of them after a deletion, and the resolver.

Everything in domains above the models may import it, and `endpoints.webhooks` its resolver.
"""
