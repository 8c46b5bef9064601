"""Reading archives: whatever is not exactly what an export writes is refused."""
