"""How stored mail becomes known: notifications become rows, and a sweep finds what they missed."""
