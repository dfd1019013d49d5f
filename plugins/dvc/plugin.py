"""DVC: an end-to-end deep video compression framework."""

from core.hooks import CodecEntry, Coding, LossEntry, ModelEntry, Plugin, StepEntry, Supervision, lazy

from .config import DvcCodecConfig, DvcConfig, DvcLossConfig, DvcStepConfig
from .published import WEIGHTS

NETWORK, PUBLISHED, PARTS = lazy(".cells:Dvc"), lazy(".weights:published"), lazy(".codec:DvcCodec.parts")
CODER, TABLES = lazy(".codec:DvcCodec"), lazy(".codec:DvcCodec.tables")

MODEL = ModelEntry("dvc", DvcConfig, NETWORK, PUBLISHED, PARTS)
LOSS = LossEntry("dvc", DvcLossConfig, lazy(".loss:DvcLoss"))
STEP = StepEntry("dvc", DvcStepConfig, lazy(".step:build"))
PLACE = Coding.RESIDUAL, Supervision.OBJECTIVE
CODEC = CodecEntry("dvc", DvcCodecConfig, CODER, TABLES, *PLACE, needs={"network", "intra"})
plugin = Plugin(MODEL, LOSS, STEP, CODEC, *WEIGHTS)
