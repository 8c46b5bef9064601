"""A DNS server on loopback, for the demo and the tests: a zone in memory, served over UDP and TCP. Imports no other package."""
