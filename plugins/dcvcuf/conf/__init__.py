"""YAML of this plugin: presets and experiments."""
