"""Priors of latents, and their quantisation, as cells."""
