"""The emulator, the production server and the worker as real processes: killed, cut off, and used by many clients."""
