"""Routing: where a received email goes, and why.

`facts` reads what decides, `route` decides, and `record` writes the decision and the delivery. Imports the models only.
"""
