"""A state machine of all operations, faults and changes from outside, and the invariants that it checks."""
