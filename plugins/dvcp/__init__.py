"""DVC-P: deep video compression with perceptual optimizations."""
