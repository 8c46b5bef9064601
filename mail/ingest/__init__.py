"""From a stored object to a mail that can be read: fetch it, have it parsed, store the result."""
