"""Measures of picture quality, in float64 NumPy."""
