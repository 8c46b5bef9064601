"""Names as people type them: their canonical form, and arguments of commands. Every app may import it."""
