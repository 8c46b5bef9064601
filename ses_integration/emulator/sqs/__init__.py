"""Messages of SQS: moto's queues, with receiving and deleting of our own.

moto looks at every message for each call, loses a message that arrives during a deletion, and ends a long poll neither for a
client that has gone nor for a reset.
"""
