"""Imports of uploaded archives: the configuration in the request, the mail in the mail worker, which then erases the archive.

- `start`: import what a request has uploaded, and store the archive in the bucket if mail is to come
- `job`: import the mail of a claimed import, batch by batch
- `room`: how large it may be, and how many are taken at a time
- `again`: let one that waits after an error go on at once
- `task`: both in the mail worker, and the erasure

The API, admin pages and commands of the app may import it.
"""
