"""Data frames that came as such, made to fit a signature with the model's own pandas and NumPy.

Formats that bring types of their own (parquet, Arrow) are read by the model's libraries, and no cast
precedes: ``mlflow.models.utils._enforce_schema`` alone decides, and it is strict. JSON and CSV have no
types, and are enforced by `lading_runtime.schema` in the server.
"""
