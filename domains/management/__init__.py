"""The commands of domains (`commands`), and what several of them share. Only Django imports the commands.

- `deletions`: deletions as commands name them, show them and retry them
- `planned`: delete as a plan says; also for the command of `addresses`
"""
