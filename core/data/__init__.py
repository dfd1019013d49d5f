"""Data sets as random-access clip sources, and the loader that feeds them to MindSpore."""
