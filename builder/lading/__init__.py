"""Lading: container images for MLflow models."""

__version__ = "0.1.0"
