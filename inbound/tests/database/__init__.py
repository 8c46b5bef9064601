"""Outages of the database, in the test process. Those of a real server are in `processes/interruptions`."""
