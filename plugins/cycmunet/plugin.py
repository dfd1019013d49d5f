"""CycMuNet+: space-time video super-resolution with cycle-projected mutual learning."""

from core.hooks import LossEntry, ModelEntry, Plugin, StepEntry, UpscalerEntry, lazy

from .config import CycMuNetConfig, CycMuNetLossConfig, CycMuNetStepConfig, CycMuNetUpscalerConfig
from .published import WEIGHTS

NETWORK, PUBLISHED, PARTS = lazy(".interface:VideoCycMuNet"), lazy(".weights:published"), lazy(".parts:parts")

MODEL = ModelEntry("cycmunet", CycMuNetConfig, NETWORK, PUBLISHED, PARTS)
LOSS = LossEntry("cycmunet", CycMuNetLossConfig, lazy(".loss:CycMuNetLoss"))
STEP = StepEntry("cycmunet", CycMuNetStepConfig, lazy(".step:build"))
UPSCALER = UpscalerEntry("cycmunet", CycMuNetUpscalerConfig, lazy(".upscaler:CycMuNetUpscaler"))
plugin = Plugin(MODEL, LOSS, STEP, UPSCALER, *WEIGHTS)
