"""The errors a user can meet: each is one clear sentence that says what is wrong and what to do.

The command prints the sentence and exits with code 1; only a defect of ours shows a traceback.
"""

from __future__ import annotations

from core.text import printable


class MindvideoError(Exception):
    """Base of every error that is the user's to mend; its text is written for the user.

    What a text repeats from files is made printable: no file can have the terminal obey it.
    """

    def __str__(self) -> str:
        return printable(super().__str__())


class ConfigError(MindvideoError):
    """The composed configuration has one or more problems; the text lists all of them."""


class PluginError(MindvideoError):
    """A plugin, or something that only a plugin can offer, is not there."""


class DeviceError(MindvideoError):
    """The device asked for is absent or cannot be set up."""


class MediaError(MindvideoError):
    """A video or picture cannot be read or written."""


class DataError(MindvideoError):
    """A data set is missing or is not laid out as expected."""


class CheckpointError(MindvideoError):
    """A checkpoint is missing, damaged or belongs to another model."""


class StreamError(MindvideoError):
    """A coded stream is damaged, cut short, or belongs to another model."""


class RecordError(MindvideoError):
    """A record of our own (JSON) is damaged, or another version made it; who reads it says which, and what to do."""


class SweepError(MindvideoError):
    """Jobs of a sweep failed; the others ran."""


class CrewError(MindvideoError):
    """Processes that share a work cannot do it."""


class CutShortError(StreamError):
    """A coded stream ends before its end."""


class ExportError(MindvideoError):
    """A network cannot leave MindSpore in the way that was asked for."""


class DownloadError(MindvideoError):
    """A file of the network cannot be had, or is not what it should be."""


class BusyError(MindvideoError):
    """Another process works on the same output at this moment."""


class ForeignError(MindvideoError):
    """A file or folder that is not ours has a name that we need."""
