"""Test mail: compose it, hand it to an SMTP server, and follow it into the database. Only `send_test_mail` imports it."""
