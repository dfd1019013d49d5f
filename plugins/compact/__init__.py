"""A compact codec, made for processors."""
