"""Imports: make a domain of an archive that nobody vouches for.

- `service`: verify, plan and import; the command calls it
- `plan`: what would be created, from the archive and what the owner has. Pure
- `configure`: the rows, in the transaction that adds the domain
- `refusals`: sentences about an import that is not possible

`management` may import it.
"""
