"""The common part of all upscalers: baselines to compare with, evaluation, and upscaling of a video file."""
