"""CycMuNet+: one network for higher frame rate and higher resolution."""
