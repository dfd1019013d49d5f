"""What the plugin offers: ``loss=edge`` and the metric ``edge_error``."""

from core.hooks import LossEntry, MetricEntry, Plugin, lazy

from .config import EdgeErrorConfig, EdgeLossConfig

LOSS = LossEntry("edge", EdgeLossConfig, lazy(".loss:EdgeLoss"))
METRIC = MetricEntry("edge_error", EdgeErrorConfig, lazy(".metric:EdgeError"), higher_is_better=False)
plugin = Plugin(LOSS, METRIC)
