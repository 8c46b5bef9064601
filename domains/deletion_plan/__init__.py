"""What deleting a domain would do: `build` makes one value (`model`), `render` turns it into JSON, text and admin sections.

`parts` has the sentences that it shares with `addresses.deletion_plan`: most of those about SES. The packages above in domains
and the apps above may import it.
"""
