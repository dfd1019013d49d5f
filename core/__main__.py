"""``python -m core``: the same as the console script ``mindvideo``."""

from mindvideo import main

main()
