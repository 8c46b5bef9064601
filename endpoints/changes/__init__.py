"""What a change of an endpoint needs: checks of where it forwards to, and its signing secrets.

The services import it, and what is above them for its errors. It imports the models.
"""
