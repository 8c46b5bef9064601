"""Read an archive that nobody vouches for: verify all of it first, and then hand out what is in it.

- `archive`: `verify`, and the verified archive with its domain, rows and mails
- `entries`: the records of the zip file; `contents`: what is in an entry, inflated and counted
- `texts`: JSON from strangers; `shapes`: the members that each file has to have
- `refusal`: limits, and the sentences for people

Pure: no models, no network. It needs a file that can be read at any place, and little memory however large that is.
"""
