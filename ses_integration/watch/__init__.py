"""Sweeps of SES, what they have found, and a look at the rule set between them. For the worker and whoever asks for the state.

- `lines`: a drift in words, and as plain values
- `kept`: keep what was found, and tell the log what is new
- `look`: whether something foreign has changed since
- `sweeper`: when a worker sweeps and looks

Above `drift`, below the facade and commands.
"""
