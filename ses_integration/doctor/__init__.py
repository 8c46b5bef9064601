"""`ses_doctor`: checks whether this installation can do its work on AWS, and says what to fix.

`diagnosis` runs everything in order: `probes` calls AWS, `checks` turns what came back into results. `names` and
`results` are plain values. The doctor neither reads nor writes the ledger. Only the command `ses_doctor` imports it.
"""
