"""MindSpore cells that more than one algorithm uses."""
