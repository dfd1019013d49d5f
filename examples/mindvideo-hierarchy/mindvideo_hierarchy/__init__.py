"""A bidirectional video codec, as a plugin for mindvideo."""
