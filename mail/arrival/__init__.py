"""From a notification, or an object that a sweep has found, to rows that are listed.

`note` is the way in. `sweep` compares the bucket with the rows, and `own_headers` reads what SES itself wrote above a mail.
Imports the models.
"""
