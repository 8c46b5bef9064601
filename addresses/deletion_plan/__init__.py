"""What deleting an address would do: `build` makes one value, and `model` describes its parts for people and programs.

The parts about SES are in `domains.deletion_plan.parts`. The deletion, `admin`, `api` and the commands may import it.
"""
