"""SSFVC: video compression with scale-space flow."""
