"""What a video codec is made of: from frames to packets and back."""
