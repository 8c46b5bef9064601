"""The commands that concern SES alone, and `aws_emulator`. Only Django imports it."""
