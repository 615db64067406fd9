"""Which store is asked, and with which credentials: MLflow's rules, from the environment alone."""

from pathlib import Path

import pytest
from lading.errors import TrackingServerError
from lading.models.tracking import Credentials, Tls, TrackingSettings


def settings(folder, **variables):
    """Return what *variables* say in a working folder that is also the home."""
    return TrackingSettings.from_environment(variables, folder, home=folder)


def test_the_default_is_the_database_of_the_working_folder(tmp_path):
    """Where nothing is said, ``mlflow.db`` of the working folder is asked for runs and models."""
    found = settings(tmp_path)

    assert found.tracking_uri == found.registry_uri == f"sqlite:///{tmp_path}/mlflow.db"


def test_an_older_project_keeps_its_file_store(tmp_path):
    """``./mlruns`` is asked if it holds experiments, as MLflow decides; artifacts alone do not count."""
    (tmp_path / "mlruns" / "1" / "models").mkdir(parents=True)
    assert settings(tmp_path).tracking_uri.startswith("sqlite:")

    (tmp_path / "mlruns" / "0").mkdir()
    (tmp_path / "mlruns" / "0" / "meta.yaml").touch()
    assert settings(tmp_path).tracking_uri == str(tmp_path / "mlruns")


def test_the_environment_decides(tmp_path):
    """``MLFLOW_TRACKING_URI`` is asked for both, unless ``MLFLOW_REGISTRY_URI`` names another registry."""
    one = settings(tmp_path, MLFLOW_TRACKING_URI="http://a")
    two = settings(tmp_path, MLFLOW_TRACKING_URI="http://a", MLFLOW_REGISTRY_URI="http://b")

    assert (one.tracking_uri, one.registry_uri) == ("http://a", "http://a")
    assert (two.tracking_uri, two.registry_uri) == ("http://a", "http://b")


@pytest.mark.parametrize(
    ("uri", "registry"),
    [("databricks", "databricks-uc"), ("databricks://profile", "databricks-uc://profile")],
)
def test_databricks_registers_in_unity_catalog(tmp_path, uri, registry):
    """The registry beside Databricks' tracking is Unity Catalog, with the same profile."""
    assert settings(tmp_path, MLFLOW_TRACKING_URI=uri).registry_uri == registry


def test_saved_credentials_fill_in_for_the_environment(tmp_path):
    """``~/.mlflow/credentials`` gives what the environment does not."""
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow" / "credentials").write_text(
        "[mlflow]\nmlflow_tracking_username = ada\nmlflow_tracking_password = 50%off\n"
    )

    assert settings(tmp_path).credentials == Credentials("ada", "50%off")
    assert settings(tmp_path, MLFLOW_TRACKING_USERNAME="eve").credentials == Credentials("eve", "50%off")


def test_credentials_that_cannot_be_read_name_the_file(tmp_path):
    """A broken credentials file is an error without its content."""
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow" / "credentials").write_text("secret")

    with pytest.raises(TrackingServerError, match="credentials cannot be read") as raised:
        settings(tmp_path)
    assert "secret" not in str(raised.value)


def test_secrets_are_not_in_the_text_of_settings(tmp_path):
    """Settings can be logged."""
    found = settings(tmp_path, MLFLOW_TRACKING_PASSWORD="sesame", MLFLOW_TRACKING_TOKEN="sesame")

    assert "sesame" not in repr(found)


def test_certificates_are_taken_from_the_environment(tmp_path):
    """MLflow's own variable goes before that of its HTTP library."""
    requests_only = settings(tmp_path, REQUESTS_CA_BUNDLE="/r.pem")
    both = settings(tmp_path, REQUESTS_CA_BUNDLE="/r.pem", MLFLOW_TRACKING_SERVER_CERT_PATH="/m.pem")

    assert requests_only.tls == Tls(certificates=Path("/r.pem"))
    assert both.tls == Tls(certificates=Path("/m.pem"))


def test_contradictions_are_refused(tmp_path):
    """Checking a certificate against a CA and not checking it exclude each other, as in MLflow."""
    with pytest.raises(TrackingServerError, match="exclude each other"):
        settings(tmp_path, MLFLOW_TRACKING_INSECURE_TLS="true", MLFLOW_TRACKING_SERVER_CERT_PATH="/m.pem")


def test_patience_is_set_as_for_mlflow(tmp_path):
    """MLflow's variables for timeouts and retries count; what is no number is refused by name."""
    found = settings(tmp_path, MLFLOW_HTTP_REQUEST_TIMEOUT="7", MLFLOW_HTTP_REQUEST_MAX_RETRIES="2").patience

    assert (found.timeout_s, found.max_retries) == (7.0, 2)
    with pytest.raises(TrackingServerError, match="MLFLOW_HTTP_REQUEST_TIMEOUT is no number: 'soon'"):
        settings(tmp_path, MLFLOW_HTTP_REQUEST_TIMEOUT="soon")
