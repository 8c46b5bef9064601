"""Processes are killed or paused, or SES is unreachable. Others finish the work."""
