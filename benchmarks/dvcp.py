"""Speed and memory of DVC-P on CPU, ours in MindSpore beside the same network in PyTorch.

    python benchmarks/dvcp.py [--what encode] [--size 256] [--verify] [WORDS …]

Without PyTorch ours is measured alone. README.md beside this file says what is measured.
"""

import sys

from inter import main

if __name__ == "__main__":
    sys.exit(main("dvcp", __doc__ or ""))
