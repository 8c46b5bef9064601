"""What each role may do at each path of the API, and that nothing of an owner is told to others."""
