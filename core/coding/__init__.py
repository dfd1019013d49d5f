"""Real coding of video with any learned codec: encode, decode, verify, and measure beside an anchor."""
