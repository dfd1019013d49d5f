"""Data sets as random-access clip sources, and the loader that feeds them to MindSpore.

Plugins import from here what cuts clips from shots of theirs.
"""

from core.data.options import ShotOptions as ShotOptions
from core.data.shots import Shot as Shot
from core.data.source import ShotSource as ShotSource
