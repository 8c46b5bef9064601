"""What happens while the database is away: how long connecting takes (`postgresql`), and which errors will pass (`outages`)."""
