"""`python manage.py demo`: everything on one machine, with an emulated AWS and a demo account.

Its settings and files (`environment`), processes, sample data (`seed`), their DNS records (`published`) and readiness
checks. Only the command imports it.
"""
