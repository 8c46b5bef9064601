"""An AWS to run against: moto's S3, SNS, Lambda and STS, and an SES that behaves as the real one does.

moto accepts what SES refuses (duplicate rule names, too many recipients, patterns that are none) and lacks what the
product needs most, `DeleteReceiptRule`. So the two SES services are answered here, from the published behaviour that
each function names; everything else goes on to moto. The same code runs as a process of its own
(`python manage.py aws_emulator`) and inside a test (`Emulator` in `server.py`).

It can be told to misbehave (`faults.py`), writes down what it was asked (`journal.py`) and can keep SES's pace of one
call a second (`clock.py`).

One process holds one emulated AWS: moto keeps its state in module globals, so a second `Emulator` in the same process
would share buckets, topics and functions with the first.
"""
