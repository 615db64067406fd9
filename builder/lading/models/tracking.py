"""How to reach tracking stores: MLflow's environment variables, read once."""

import configparser
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from lading.errors import TrackingServerError

_TRUE = {"true", "1"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks a tracking server; its text never shows secrets."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @property
    def is_given(self) -> bool:
        """Whether there is anything to send; name and password go before a token, as in MLflow."""
        return bool((self.username and self.password) or self.token)


@dataclass(frozen=True, slots=True)
class Tls:
    """How a tracking server proves who it is, and how we do."""

    is_verified: bool = True

    certificates: Path | None = None
    """A file or folder of CA certificates; None for those that this machine trusts."""

    client_certificate: Path | None = None
    """A PEM file with a certificate and its key."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for."""

    timeout_s: float = 120.0
    """For one answer to begin or go on."""

    max_retries: int = 5
    """After an answer that says "later"; a server that does not answer at all is tried three times."""

    backoff_s: float = 0.5
    """Before the first retry; doubles each time, up to 30 seconds."""


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """Which stores are asked, and how."""

    tracking_uri: str
    registry_uri: str
    folder: Path
    """What relative paths in stores count from."""

    credentials: Credentials = Credentials()
    tls: Tls = Tls()
    patience: Patience = Patience()

    workspace: str | None = None
    """``MLFLOW_WORKSPACE``; None is the store's default one."""

    request_auth: str | None = None
    """A way of signing requests that only an installed mlflow knows (``MLFLOW_TRACKING_AUTH``)."""

    s3_endpoint_url: str | None = None
    is_s3_tls_verified: bool = True

    @classmethod
    def from_environment(
        cls, variables: Mapping[str, str], folder: Path, *, home: Path | None = None
    ) -> Self:
        """Return what MLflow's environment variables say.

        Args:
            variables: the environment.
            folder: the working folder, where MLflow keeps its default store.
            home: whose ``.mlflow/credentials`` are read; the user's by default.

        Raises:
            TrackingServerError: variables contradict each other or are no numbers.
        """
        tracking_uri = variables.get("MLFLOW_TRACKING_URI") or _default_uri(folder)
        auth = variables.get("MLFLOW_TRACKING_AUTH") or None
        signs_for_aws = _is_true(variables, "MLFLOW_TRACKING_AWS_SIGV4")
        return cls(
            tracking_uri=tracking_uri,
            registry_uri=variables.get("MLFLOW_REGISTRY_URI") or _registry_of(tracking_uri),
            folder=folder,
            credentials=_credentials(variables, (home or Path.home()) / ".mlflow" / "credentials"),
            tls=_tls(variables),
            patience=_patience(variables),
            workspace=variables.get("MLFLOW_WORKSPACE", "").strip() or None,
            request_auth="MLFLOW_TRACKING_AWS_SIGV4" if signs_for_aws else auth,
            s3_endpoint_url=variables.get("MLFLOW_S3_ENDPOINT_URL") or None,
            is_s3_tls_verified=not _is_true(variables, "MLFLOW_S3_IGNORE_TLS"),
        )


def _default_uri(folder: Path) -> str:
    """Return the store that MLflow uses when it is told none (``mlflow.tracking.get_tracking_uri``).

    A project that began before MLflow 3.7 keeps its file store. MLflow since refuses to read it; a folder of
    YAML files is no harder to read than it was.
    """
    store = folder / "mlruns"
    has_experiments = any(path.parent.name.isdigit() for path in store.glob("*/meta.yaml"))
    return str(store) if has_experiments else f"sqlite:///{folder / 'mlflow.db'}"


def _registry_of(tracking_uri: str) -> str:
    """Return the registry beside a tracking store: itself, or Unity Catalog for Databricks."""
    scheme, separator, profile = tracking_uri.partition("://")
    return f"databricks-uc{separator}{profile}" if scheme == "databricks" else tracking_uri


def _is_true(variables: Mapping[str, str], name: str) -> bool:
    return variables.get(name, "").lower() in _TRUE


def _credentials(variables: Mapping[str, str], file: Path) -> Credentials:
    """Return name and password from the environment, or each from the file where it is not there."""
    saved = configparser.ConfigParser(interpolation=None)
    try:
        saved.read(file, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise TrackingServerError(
            f"{file} cannot be read", hint="write [mlflow] and name = value lines"
        ) from error
    section = saved["mlflow"] if saved.has_section("mlflow") else {}
    return Credentials(
        variables.get("MLFLOW_TRACKING_USERNAME") or section.get("mlflow_tracking_username"),
        variables.get("MLFLOW_TRACKING_PASSWORD") or section.get("mlflow_tracking_password"),
        variables.get("MLFLOW_TRACKING_TOKEN"),
    )


def _tls(variables: Mapping[str, str]) -> Tls:
    certificates = variables.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
    is_verified = not _is_true(variables, "MLFLOW_TRACKING_INSECURE_TLS")
    if certificates and not is_verified:
        raise TrackingServerError(
            "MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH exclude each other",
            hint="unset one of them",
        )
    # MLflow's HTTP library reads these two where MLflow itself is told nothing.
    certificates = certificates or variables.get("REQUESTS_CA_BUNDLE") or variables.get("CURL_CA_BUNDLE")
    client = variables.get("MLFLOW_TRACKING_CLIENT_CERT_PATH")
    return Tls(is_verified, Path(certificates) if certificates else None, Path(client) if client else None)


def _patience(variables: Mapping[str, str]) -> Patience:
    usual = Patience()
    return Patience(
        _number(variables, "MLFLOW_HTTP_REQUEST_TIMEOUT", usual.timeout_s),
        int(_number(variables, "MLFLOW_HTTP_REQUEST_MAX_RETRIES", usual.max_retries)),
        _number(variables, "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", usual.backoff_s),
    )


def _number(variables: Mapping[str, str], name: str, usual: float) -> float:
    text = variables.get(name)
    try:
        return float(text) if text else usual
    except ValueError as error:
        raise TrackingServerError(f"{name} is no number: {text!r}") from error
