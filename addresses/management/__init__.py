"""The commands to plan and make deletions of addresses, and to restore them. Only Django imports them."""
