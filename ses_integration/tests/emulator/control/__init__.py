"""The control endpoints of the emulator: faults and the journal."""
