"""The `ses_*` commands and `aws_emulator`: arguments, calls to the packages below, and output. Their `help` documents them."""
