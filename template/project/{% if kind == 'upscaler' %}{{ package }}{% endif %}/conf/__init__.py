"""YAML of this plugin."""
