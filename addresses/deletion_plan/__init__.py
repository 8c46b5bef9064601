"""What deleting an address would do: `build` makes one value, `render` turns it into JSON, text and admin sections.

Imported by the deletion, which checks tokens, by `admin`, `api` and the command `plan_delete`.
"""
