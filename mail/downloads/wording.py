"""What people are told when a download has to wait."""

BUSY = "Too many downloads at the moment. Try again in a few seconds."
NO_STORE = "The mail store does not answer at the moment. Try again in a few seconds."
