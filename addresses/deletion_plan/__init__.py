"""What deleting an address would do: `build` makes one value (`model`), `render` turns it into JSON, text and admin sections.

Most sentences about SES are in `domains.deletion_plan.parts`. The deletion, `admin`, `api` and the commands may import it.
"""
