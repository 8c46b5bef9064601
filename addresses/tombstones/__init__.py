"""Tombstones of deleted addresses (docs/architecture/deletion.md, "Deleted addresses").

- `leave`: the rows that a deletion leaves
- `restore`: bring an address back within its grace period
- `period`: extend or end that period
- `lift`: let the catch-all receive for it again

The deletion of addresses, the API, the admin and commands may import it. It imports services.
"""
