"""YAML of this plugin: experiments, a contender, and the sizes that the conformance suite tries."""
