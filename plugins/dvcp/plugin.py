"""DVC-P: deep video compression with perceptual optimizations."""

from core.hooks import (
    CodecEntry,
    Coding,
    LossEntry,
    MetricEntry,
    ModelEntry,
    Plugin,
    StepEntry,
    Supervision,
    lazy,
)

from .config import (
    DvcpCodecConfig,
    DvcpConfig,
    DvcpLossConfig,
    DvcpStepConfig,
    LpipsConfig,
    LpipsMetricConfig,
    VggConfig,
)

PARTS = lazy("plugins.dvc.codec:DvcCodec.parts")
CODER, TABLES = lazy("plugins.dvc.codec:DvcCodec"), lazy("plugins.dvc.codec:DvcCodec.tables")

MODEL = ModelEntry("dvcp", DvcpConfig, lazy(".cells:Dvcp"), parts=PARTS)
VGG = ModelEntry("vgg19", VggConfig, lazy(".vgg:Vgg19"), lazy(".weights:published_vgg"))
LPIPS_NETWORK = ModelEntry("lpips", LpipsConfig, lazy(".lpips:Lpips"), lazy(".weights:published_lpips"))
LPIPS = MetricEntry("lpips", LpipsMetricConfig, lazy(".lpips:LpipsMetric"), higher_is_better=False)
LOSS = LossEntry("dvcp", DvcpLossConfig, lazy(".loss:DvcpLoss"))
STEP = StepEntry("dvcp", DvcpStepConfig, lazy(".step:build"))
PLACE = Coding.RESIDUAL, Supervision.PERCEPTUAL
CODEC = CodecEntry("dvcp", DvcpCodecConfig, CODER, TABLES, *PLACE, needs={"network", "intra"})
plugin = Plugin(MODEL, VGG, LPIPS_NETWORK, LPIPS, LOSS, STEP, CODEC)
