"""Tests of the API of received mail: one file for each endpoint."""
