"""DNS records that owners publish: which ones, what is left of them after a deletion, and how they are looked up."""
