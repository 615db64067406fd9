"""The scoring server inside Lading's images, and the model process beside it."""

__version__ = "0.1.0"
