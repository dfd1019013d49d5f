"""What the plugin offers: model, loss and codec ``hierarchy``."""

from core.hooks import CodecEntry, Coding, Direction, LossEntry, ModelEntry, Plugin, Supervision, lazy

from .config import HierarchyCodecConfig, HierarchyConfig, HierarchyLossConfig

CODER, TABLES = lazy(".codec:HierarchyCodec"), lazy(".codec:HierarchyCodec.tables")
PLACE = Coding.RESIDUAL, Supervision.OBJECTIVE, Direction.BIDIRECTIONAL

MODEL = ModelEntry("hierarchy", HierarchyConfig, lazy(".cells:Hierarchy"))
LOSS = LossEntry("hierarchy", HierarchyLossConfig, lazy(".loss:HierarchyLoss"))
CODEC = CodecEntry("hierarchy", HierarchyCodecConfig, CODER, TABLES, *PLACE, needs={"network", "intra"})
plugin = Plugin(MODEL, LOSS, CODEC)
