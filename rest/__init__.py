"""What all REST endpoints share: ids, fields, look-up, confirmation, plan tokens and errors.

A plain package without models. Imports no app; every app may import it.
"""
