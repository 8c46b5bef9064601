"""How SES tells of a stored mail: notifications in the queue and at the door."""
