"""The commands of endpoints. Only Django imports them."""
