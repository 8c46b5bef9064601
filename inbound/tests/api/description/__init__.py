"""The description of the API: complete, true of real answers, and shown without other servers."""
