"""What SES knows of an account that sends: limits and configuration sets."""
