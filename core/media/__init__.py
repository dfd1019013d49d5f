"""Video files and pictures in and out: reading, writing, colour, tiles.

Plugins import the words of colour from here.
"""

from core.media.colour import Matrix as Matrix
from core.media.colour import Range as Range
from core.media.colour import Subsampling as Subsampling
