"""What strangers have sent, as downloads for API and admin: response headers by which no browser shows or runs it."""
