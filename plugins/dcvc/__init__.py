"""DCVC: deep contextual video compression."""
