"""Who is alive, and since when nobody is."""
