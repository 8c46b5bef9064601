"""The REST endpoints of endpoints: where mail goes."""
