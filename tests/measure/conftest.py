"""The toy codecs and small videos are those of tests/coding."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "coding"))
