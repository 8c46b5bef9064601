"""What deleting a domain would do: `model` and `build` make one value, `render` turns it into JSON, text and admin sections.

`parts` is shared with the plans of addresses. Imported by `deletion`, which checks tokens, by `admin`, `api` and
`addresses.deletion_plan`.
"""
