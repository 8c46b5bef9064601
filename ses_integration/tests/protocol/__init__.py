"""The protocol against its counterexamples (docs/architecture/protocol.md): each trace also breaks wrong code."""
