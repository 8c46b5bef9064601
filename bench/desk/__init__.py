"""The part `desk`: the pages of the admin, and what reads the same tables, of a small installation and of a large one.

- `part`: what is asked, and the table
- `browser`: a browser that has signed in and follows the menu
- `seed_process`: the audit log, and work that waits
"""
