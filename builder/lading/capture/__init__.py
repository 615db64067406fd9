"""What MLflow wrote about a model's environment, read into an ``Environment``."""
