"""The rules of the state machine: operations, undo, mail, what happens between requests, and changes from outside."""
