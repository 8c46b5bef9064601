"""Tests of deliveries in the API."""
