"""Speed and memory of the networks beside their peers, and of what they are made of (`bench.py`)."""
