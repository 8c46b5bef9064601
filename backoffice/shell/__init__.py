"""What commands share. Commands of all apps import it.

- `asking`: questions before a change
- `arguments`: types of arguments, and users as people name them
- `output`: progress, and names of members in JSON
"""
