"""Build an archive part by part from what the database and the bucket have (docs/architecture/archives.md, "Build").

It writes no rows, and imports the format and the apps below. Exports and commands of the app may import it.
"""
