"""Who may do what: the roles of accounts at a domain, and querysets that know whose their rows are. Any app may import it."""
