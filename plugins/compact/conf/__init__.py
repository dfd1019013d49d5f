"""YAML of this plugin: experiments."""
