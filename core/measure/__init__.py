"""Measuring codecs and upscalers on clips: one loop, one way to take qualities, one record for each clip."""
