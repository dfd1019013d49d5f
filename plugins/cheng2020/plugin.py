"""cheng2020-anchor: a learned picture codec under hyperprior and context model."""

from core.hooks import CodecEntry, Coding, IntraEntry, ModelEntry, Plugin, Supervision, lazy

from .config import Cheng2020CodecConfig, Cheng2020Config, Cheng2020IntraConfig
from .published import WEIGHTS

NETWORK, PUBLISHED, PARTS = (
    lazy(".cells:Cheng2020"),
    lazy(".weights:published"),
    lazy(".codec:Cheng2020Codec.parts"),
)
CODER, TABLES = lazy(".codec:Cheng2020Codec"), lazy(".codec:Cheng2020Codec.tables")

MODEL = ModelEntry("cheng2020", Cheng2020Config, NETWORK, PUBLISHED, PARTS)
CODEC = CodecEntry(
    "cheng2020", Cheng2020CodecConfig, CODER, TABLES, Coding.CONDITIONAL, Supervision.OBJECTIVE
)
INTRA = IntraEntry("cheng2020", Cheng2020IntraConfig, lazy(".codec:intra"))
plugin = Plugin(MODEL, CODEC, INTRA, *WEIGHTS)
