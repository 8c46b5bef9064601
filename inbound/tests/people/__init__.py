"""Users, groups and signing in."""
