"""The `ses_*` commands as operators run them: output, exit codes and SES calls."""
