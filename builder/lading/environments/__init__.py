"""Virtual environments on this machine, for serving without a container."""
