"""What a forward is composed of: header, body and trace. Pure."""
