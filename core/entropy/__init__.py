"""Entropy coding: priors, integer tables, the range coder and the integer networks that choose tables."""
