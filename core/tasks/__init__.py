"""The tasks of the command, one module each."""
