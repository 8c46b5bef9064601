"""`ses_doctor`: check whether this installation can do its work on AWS, and say what to fix.

`diagnosis` runs everything in order, `mail` what reading mail needs, `sending` what forwarding needs, and `try_targets` tries the
targets of rules. `probes` calls AWS, `checks` turns responses into results, and `checklist` collects them. `names` and `results`
are plain values. The doctor reads the ledger and never changes it.
"""
