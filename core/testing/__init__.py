"""What tests and plugin authors share: fixture recipes and checks."""
