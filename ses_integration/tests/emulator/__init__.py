"""The emulated AWS answers as AWS does.

Each docstring names the AWS document that the test follows. "The emulator's own" marks what only the emulator has, such
as faults and the journal.
"""
