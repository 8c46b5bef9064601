"""The command `plan_delete`. Only Django imports it."""
