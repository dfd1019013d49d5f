"""What the command can do, one module each."""
