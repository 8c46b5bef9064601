"""A try of everything on one machine, with an emulated AWS and a demo account: `python manage.py demo`."""
