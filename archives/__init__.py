"""Archives of domains: one zip file with the configuration of a domain and its mail.

The apps above may import it. It imports mail and the apps below, and uses ses_integration through the facade.
"""
