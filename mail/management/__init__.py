"""The commands of received mail. Only Django imports them."""
