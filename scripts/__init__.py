"""What sets the project up and runs it for developers. They are run by path, and only tests import them."""
