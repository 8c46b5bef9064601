"""The command `plan_delete`. Django imports it; nothing else does."""
