"""The plugin's YAML."""
