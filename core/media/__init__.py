"""Video files and pictures in and out: reading, writing, colour, tiles."""
