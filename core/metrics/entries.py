"""placeholder, replaced by its author"""
from dataclasses import dataclass
from core.hooks import MetricEntry
@dataclass
class P: a: int = 1
@dataclass
class S: a: int = 1
def b(c): raise NotImplementedError
METRICS = (MetricEntry("psnr", P, b), MetricEntry("ssim", S, b))
ENTRIES = METRICS
