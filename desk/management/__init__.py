"""The command of the desk (`commands`). Only Django imports it."""
