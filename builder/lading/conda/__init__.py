"""Conda packages without conda: channels, what rattler makes of them, and prefixes for images."""
