"""The ledger and the rows compared with what SES really holds: detect, adopt, repair and sweep.

Imports `status` and below.
"""
