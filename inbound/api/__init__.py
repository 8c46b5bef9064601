"""What every API request passes through: authentication, permissions, parsing, pagination, errors and idempotency."""
