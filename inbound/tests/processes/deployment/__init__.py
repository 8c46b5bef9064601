"""The files in `deploy/`: each is checked by the program that reads it, and the commands in it are run."""
