"""The benchmark: codecs coded to real streams, their curves compared, and nothing compared that is not alike."""
