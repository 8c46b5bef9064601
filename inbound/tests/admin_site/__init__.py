"""The admin site as a whole: bad input to any page, and its search."""
