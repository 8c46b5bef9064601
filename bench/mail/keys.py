"""Names of the million mails: the seeding and the S3 that lists them must agree."""

DOMAIN = "d{}.mail.example.com"
KEY_DIGITS = 12
