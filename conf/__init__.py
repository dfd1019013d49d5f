"""Core's own YAML: the primary configuration, presets and experiments."""
