"""A loss and a metric that watch edges, as a plugin for mindvideo."""
