"""The format of archives, version 1 (docs/architecture/archives.md): names, manifest, and the zip file's own records.

Pure: no models, no network. All packages of the app may import it.
"""
