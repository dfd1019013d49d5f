"""What all upscalers share: floors to compare with, evaluation, and upscaling of a video file."""
