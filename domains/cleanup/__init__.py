"""Search for what deletions should have removed from SES and the bucket (`find`), and report it (`render`).

Only the command `ses_cleanup` may import it.
"""
