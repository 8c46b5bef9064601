"""The commands of archives. Only Django imports them."""
