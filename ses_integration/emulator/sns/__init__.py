"""Deliveries of SNS: to SQS, and to HTTP(S) with confirmed subscriptions and verifiable signatures. moto does the rest.

moto confirms each HTTP subscription by itself, leaves the subject out of the signature, makes a new certificate for each message
and serves it nowhere.
"""
