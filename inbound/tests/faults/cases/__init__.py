"""The cases as values: `operations` and `command_cases` say what is done, `fault_cases` what goes wrong."""
