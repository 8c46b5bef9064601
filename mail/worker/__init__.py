"""The mail worker: threads that take notifications, parse mail, sweep the bucket and erase.

`worker` starts and stops them. `backlog` hands mail over, `tasks` lists what runs now and then, `troubles` says once that
something fails. Only the command `mail_worker` and the tests import this package.
"""
