"""An emulated AWS for development and tests: SES as the real one behaves, and moto's S3, SNS, SQS, Lambda and STS.

moto accepts what SES refuses (duplicate rule names, too many recipients, invalid patterns) and lacks
`DeleteReceiptRule`. So this package implements both SES APIs, from the published behaviour that its modules cite, receives and
sends mail, and answers the operations of S3, SNS and SQS that moto gets wrong. All other calls go to moto.
`server.Emulator` runs it in a thread of a test, `python manage.py aws_emulator` as a process.

A process holds one emulated AWS: moto keeps its state in module globals, so two `Emulator` objects in a process would
share buckets, topics, queues and functions.

`server` > `application`, `preparation` and `http_server` > `sending` > `receiving` and `stored_objects` > `hooks`, `s3` and
`sns` > `control` and `sqs` > `ses` > `state` > `wire` and `dns`: each imports only what stands to its right.
`preparation` and `stored_objects` fill it directly. Only the command `aws_emulator` and the tests may import this package.
"""
