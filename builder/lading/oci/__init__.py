"""The OCI formats and the registry protocol; knows nothing of models."""
