"""Tests of the SES integration without the apps above. `support` stands in for them."""
