"""The only package that calls AWS: clients, the gateway, observations of SES, and the translation of AWS errors.

Imports `coordination` and what is below it. `reconcile`, `storage` and the packages above them may import it; the apps may not.
"""
