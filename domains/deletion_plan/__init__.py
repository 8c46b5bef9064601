"""What deleting a domain would do: `build` makes one value, and `model` describes its parts for people and programs.

`parts` has what it shares with `addresses.deletion_plan`: the parts about SES, and the text for a terminal. Higher
layers of domains, and the apps above it, may import it.
"""
