"""Train, register and promote the iris classifier of MLflow's documentation ("Complete Example").

Run where MLflow is installed; the working folder becomes its tracking store. The URI of the model goes
into the file ``model-uri``.
"""

from pathlib import Path

import mlflow
import mlflow.sklearn
from mlflow.tracking import MlflowClient
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

iris = load_iris()
X_train, X_test, y_train, y_test = train_test_split(iris.data, iris.target, test_size=0.2, random_state=42)

mlflow.sklearn.autolog(registered_model_name="iris_classifier")

with mlflow.start_run() as run:
    model = RandomForestClassifier(n_estimators=10, random_state=42)
    model.fit(X_train, y_train)
    mlflow.log_metric("test_accuracy", model.score(X_test, y_test))

client = MlflowClient()
model_version = client.get_registered_model("iris_classifier").latest_versions[0]
client.set_registered_model_alias(name="iris_classifier", alias="production", version=model_version.version)

print(f"run {run.info.run_id}: registered as iris_classifier {model_version.version}, alias production")
Path("model-uri").write_text(f"runs:/{run.info.run_id}/model\n")
