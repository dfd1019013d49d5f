"""The compact codec, made for processors: searched motion, one network for all qualities."""

from core.hooks import CodecEntry, Coding, IntraEntry, ModelEntry, Plugin, StepEntry, Supervision, lazy

from .config import CompactCodecConfig, CompactConfig, CompactIntraConfig, CompactStepConfig
from .published import WEIGHTS

CODER, TABLES = lazy(".codec:CompactCodec"), lazy(".codec:CompactCodec.tables")

MODEL = ModelEntry("compact", CompactConfig, lazy(".cells:Compact"))
STEP = StepEntry("compact", CompactStepConfig, lazy(".step:build"))
PLACE = Coding.CONDITIONAL, Supervision.OBJECTIVE
CODEC = CodecEntry("compact", CompactCodecConfig, CODER, TABLES, *PLACE)
INTRA = IntraEntry("compact", CompactIntraConfig, lazy(".codec:intra"))
plugin = Plugin(MODEL, STEP, CODEC, INTRA, *WEIGHTS)
