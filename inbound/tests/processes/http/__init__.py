"""What the production server says about its connections, and whether that is true."""
