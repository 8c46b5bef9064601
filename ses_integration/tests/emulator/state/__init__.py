"""What the emulated SES accepts, refuses and holds."""
