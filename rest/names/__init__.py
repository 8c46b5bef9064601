"""Names as people type them, turned into the form that is stored. Every app may import it."""
