"""A domain deletion after its request: rows, erasing of stored mail, proof of absence."""
