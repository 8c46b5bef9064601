"""`ses_doctor`: whether this installation can do its work on AWS, and what to mend where it cannot.

`findings`, `names` and the `judging` of what was seen are pure; `replies`, `permissions`, `storage` and `probe` make the
calls; `examination` puts them in order. It knows no row of the ledger, and writes none.
"""
