"""What all upscalers share: baselines to compare with, evaluation, and upscaling of a video file."""
