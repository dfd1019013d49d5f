"""Between symbols and bytes, without MindSpore: integer tables, the range coder, integer networks that choose tables."""
