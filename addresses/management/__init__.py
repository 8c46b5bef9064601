"""The commands `plan_delete` and `delete_address`. Only Django imports them."""
