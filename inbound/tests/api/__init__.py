"""What every API call has in common: keys, scopes, owners, pages, errors and schema."""
