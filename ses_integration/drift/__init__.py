"""The ledger and the rows compared with what SES really holds: detect, adopt, repair and sweep.

Imports everything below. Used by `doctor`, `cli`, the commands and the facade.
"""
