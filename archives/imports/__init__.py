"""Imports: make a domain of an archive that nobody vouches for.

- `service`: verify, plan and import; the command and `archives/uploads` call it
- `plan`: what would be created, from the archive and what the owner has. Pure
- `configure`: the rows, in the transaction that adds the domain
- `mails`: its mail as history, batch by batch
- `facts`: what it creates and leaves to its owner, for command, API and admin
- `refusals`: sentences about an import that is not possible

`uploads` and `management` may import it.
"""
