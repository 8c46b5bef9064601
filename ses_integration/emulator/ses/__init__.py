"""The SES API of the emulator, versions 1 and 2: one function per operation, call dispatch, paging and the call rate limit.

Works on `state` and answers through `wire`.
"""
