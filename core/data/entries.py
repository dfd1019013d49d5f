"""The data sets that core offers: ``dataset=<name>``. Importing this does not import MindSpore."""

from __future__ import annotations

from core.data.clips import ClipsConfig, embedded_clips
from core.data.folders import FramesConfig, picture_folders
from core.data.sequences import RawSequencesConfig, raw_sequences
from core.data.stills import StillsConfig, moving_stills
from core.data.video import VideoConfig, video_files
from core.data.vimeo90k import Vimeo90kSeptupletConfig, Vimeo90kTripletConfig, septuplets, triplets
from core.hooks import DatasetEntry

VIMEO90K_TRIPLET = DatasetEntry("vimeo90k_triplet", Vimeo90kTripletConfig, triplets)
VIMEO90K_SEPTUPLET = DatasetEntry("vimeo90k_septuplet", Vimeo90kSeptupletConfig, septuplets)
FRAMES = DatasetEntry("frames", FramesConfig, picture_folders)
VIDEO = DatasetEntry("video", VideoConfig, video_files)
CLIPS = DatasetEntry("clips", ClipsConfig, embedded_clips)
STILLS = DatasetEntry("stills", StillsConfig, moving_stills)
RAW_SEQUENCES = DatasetEntry("raw_sequences", RawSequencesConfig, raw_sequences)

DATASETS = (VIMEO90K_TRIPLET, VIMEO90K_SEPTUPLET, FRAMES, VIDEO, CLIPS, STILLS, RAW_SEQUENCES)
