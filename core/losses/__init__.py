"""Training losses that more than one algorithm uses."""
