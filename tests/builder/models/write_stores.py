"""Log the same models into several tracking stores, with whichever MLflow runs this; prints ids as JSON.

    write_stores.py MODEL_FOLDER TRACKING_URI...

Each store gets a model ``iris`` with two versions, the aliases ``champion`` (1) and ``challenger`` (2),
version 1 in Staging, and in each run also a model that was logged the way of MLflow 2.
"""

import json
import sys
import warnings
from pathlib import Path

import mlflow
from mlflow import MlflowClient

IS_3 = not mlflow.__version__.startswith("2.")


def logged_run(folder):
    """Log a model in a run of its own and register it as ``iris``."""
    with mlflow.start_run() as run:
        if IS_3:
            from echo import Echo  # type: ignore[import-not-found]  # noqa: PLC0415 - main() writes it

            mlflow.pyfunc.log_model(name="model", python_model=Echo(), pip_requirements=["mlflow"])
            mlflow.log_text("written by the run", "model/of_the_run.txt")
        else:
            mlflow.log_artifacts(folder, "model")
        mlflow.log_artifacts(folder, "old/nested model")
        mlflow.log_text("no model", "notes/readme.txt")
    mlflow.register_model(f"runs:/{run.info.run_id}/model", "iris")
    return run.info.run_id


def main(folder, *uris):
    """Write every store."""
    warnings.simplefilter("ignore")
    (Path.cwd() / "echo.py").write_text(
        "from mlflow.pyfunc import PythonModel\n\n\nclass Echo(PythonModel):\n"
        "    def predict(self, context, model_input, params=None):\n        return model_input\n"
    )
    sys.path.insert(0, str(Path.cwd()))
    stores = []
    for uri in uris:
        mlflow.set_tracking_uri(uri)
        client = MlflowClient()
        mlflow.set_experiment("fetching")
        runs = [logged_run(folder), logged_run(folder)]
        client.set_registered_model_alias("iris", "champion", "1")
        client.set_registered_model_alias("iris", "challenger", "2")
        client.transition_model_version_stage("iris", "1", "Staging")
        client.copy_model_version("models:/iris/1", "copy")
        models = (
            [client.get_model_version("iris", number).source.rpartition("/")[2] for number in "12"]
            if IS_3
            else []
        )
        stores.append({"uri": uri, "runs": runs, "models": models, "mlflow": mlflow.__version__})
    print(json.dumps(stores))  # noqa: T201 - the fixture reads it


main(*sys.argv[1:])
