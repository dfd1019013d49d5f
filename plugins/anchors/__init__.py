"""Conventional codecs as anchors: x264, x265, SVT-AV1 and VP9."""
