"""What should be gone and is not: `find` it in SES and the bucket, `render` it. Only the command `ses_cleanup` may import it."""
