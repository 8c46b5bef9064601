"""Mail that the emulated SES receives, through its sockets."""
