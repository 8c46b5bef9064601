"""`ses_doctor`: each check with what SES, S3 and the environment may answer."""
