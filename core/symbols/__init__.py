"""Between symbols and bytes, without MindSpore: tables, the range coder, integer networks that choose tables."""
