"""What goes into an image, decided before anything is built; the same inputs give the same plan."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from lading.environment import Platform, PythonMinor
from lading.errors import InvalidOption, InvalidReference
from lading.labels import PlannedModel, image_labels
from lading.layer import EnvironmentLayer, FolderLayer
from lading.lock import Lock
from lading.model import ResolvedModel
from lading.reference import ImageRef

SERVER_TARGET = "/opt/lading"
"""The server's own environment: the same in every image with this Python."""

ENVIRONMENT_TARGET = "/opt/env"
"""The model's environment: exactly what was captured."""

MODEL_TARGET = "/opt/ml/model"
"""The model folder, where MLflow and SageMaker put it."""

USER_ID = 65532
"""Who runs the image: ``nonroot`` of the distroless images, which no host user has."""

PORT = 8080
"""Where the server listens unless it is told otherwise: MLflow's, SageMaker's and Cloud Run's port."""

RUNTIME = "lading-runtime"
"""The package of the server environment that serves."""

CONDA_BASE_PYTHON = PythonMinor(3, 11)
"""The base's where conda brings the model's Python: only the server's then, and in Debian bookworm."""

SERVER_PYTHON = f"{SERVER_TARGET}/bin/python"
MODEL_PYTHON = f"{ENVIRONMENT_TARGET}/bin/python"

ENTRYPOINT = (SERVER_PYTHON, "-I", "-m", "lading_runtime")
"""What an image starts: no folder and no variable adds modules to the server's."""

LINUX_AMD64 = Platform("linux", "amd64")
"""What clusters mostly run, whatever the builder's own machine is."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where the programs of a base are: what every base image for Python sets, and Docker where none does."""

REGISTERED_VARIABLE = "LADING_REGISTERED_MODEL"
"""Tells the server the name and the version that its model has in the registry."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_HEALTH_CHECK = """\
import os, socket, sys
names = "PORT", "AIP_HTTP_PORT", "SAGEMAKER_BIND_TO_PORT"
port = next(filter(None, map(os.environ.get, names)), {port})
server = socket.create_connection(("127.0.0.1", int(port)), 4)
if os.environ.get("LADING_TLS_CERT_FILE"):
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    server = context.wrap_socket(server)
server.sendall(b"GET /ping HTTP/1.0\\r\\n\\r\\n")
sys.exit(server.recv(12)[9:] != b"200")"""
"""Only what the interpreter has built in: a check every few seconds must cost nothing worth speaking of."""


def named_base(name: str) -> Callable[[PythonMinor], str]:
    """Return what names the image *name* for every Python.

    Raises:
        InvalidReference: it is no image name.
    """
    ImageRef.parse(name)
    return lambda _: name


def official_base(python: PythonMinor) -> str:
    """Return the name of the official slim image of *python*."""
    return f"python:{python}-slim-bookworm"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOptions:
    """What the user asks of an image beyond its model."""

    base: Callable[[PythonMinor], str] = official_base
    """Names what the image of a model with some Python stands on."""

    labels: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    port: int = PORT

    workers: int | None = None
    """None leaves it to the server, which looks at the container's limits."""

    timeout_s: int | None = None
    """None leaves the server's default."""

    build_args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """Everything an engine needs to make an image."""

    base: str
    """The base image's name."""

    platform: Platform
    python: PythonMinor
    """The base's: that of the server, and of the model where its environment is a virtual one."""

    server: EnvironmentLayer
    environment: EnvironmentLayer
    model: FolderLayer

    entrypoint: tuple[str, ...]
    env: Mapping[str, str]
    labels: Mapping[str, str]
    port: int

    build_args: Mapping[str, str]
    """Handed to the engine as they are, for base images and proxies that ask for them."""

    @property
    def health_check(self) -> tuple[str, ...]:
        """The command that succeeds while the server can predict."""
        return (SERVER_PYTHON, "-ISc", _HEALTH_CHECK.format(port=self.port))

    @property
    def server_packages(self) -> str:
        """The folder of the server environment that packages are in."""
        return f"{self.server.target}/lib/python{self.python}/site-packages"

    @property
    def user(self) -> str:
        """Who runs the image."""
        return str(USER_ID)

    def on(self, base: str) -> Self:
        """Return this plan on another base: an image, or a stage of a Dockerfile."""
        return replace(self, base=base)


def base_python(lock: Lock) -> PythonMinor:
    """Return the Python that the base of an image must have whose model's environment is *lock*."""
    return CONDA_BASE_PYTHON if lock.conda else lock.python


@dataclass(frozen=True, slots=True)
class ImageNames:
    """Where a finished image goes."""

    names: tuple[ImageRef, ...]
    """All names that it gets; the first is the one that is reported."""

    is_pushed: bool = False

    @classmethod
    def parse(cls, texts: Iterable[str], *, is_pushed: bool) -> Self:
        """Return the names that *texts* write.

        Raises:
            InvalidReference: one is no image name, or has a digest, which nobody can choose.
        """
        names = tuple(map(ImageRef.parse, texts))
        for name in names:
            if name.digest is not None:
                raise InvalidReference(
                    f"an image cannot be named by a digest: {name}", hint="leave out the @…"
                )
        return cls(names, is_pushed)


def make_plan(
    model: PlannedModel, server: EnvironmentLayer, environment: EnvironmentLayer, options: ImageOptions
) -> ImagePlan:
    """Return the plan of the image that serves *model*.

    Raises:
        InvalidOption: an option cannot be written into an image.
    """
    python = server.lock.python
    base = options.base(python)
    labels = image_labels(model, base, server, environment) | dict(options.labels)
    return ImagePlan(
        base=base,
        platform=environment.lock.platform,
        python=python,
        server=server,
        environment=environment,
        model=model.layer,
        entrypoint=ENTRYPOINT,
        env=_checked("--env", _own_env(options, model.resolved, environment) | dict(options.env)),
        labels=_checked("--label", dict(sorted(labels.items()))),
        port=options.port,
        build_args=_checked("--build-arg", options.build_args),
    )


def _own_env(options: ImageOptions, model: ResolvedModel, environment: EnvironmentLayer) -> dict[str, str]:
    wanted = {
        "LADING_MODEL": MODEL_TARGET,
        "LADING_MODEL_PYTHON": MODEL_PYTHON,
        # Set only where it was asked for: PORT beats AIP_HTTP_PORT, with which Vertex AI gives the port.
        "PORT": options.port if options.port != PORT else None,
        "MLFLOW_MODELS_WORKERS": options.workers,
        "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": options.timeout_s,
    }
    known = {name: str(value) for name, value in wanted.items() if value is not None}
    return known | model_env(model) | _activated(environment)


def model_env(model: ResolvedModel) -> dict[str, str]:
    """Return what tells the server how the registry calls its model; it is there, but empty, for others.

    So that another model finds it where it was. A platform that hosts the server may call the model something
    else (``MODEL_NAME``): that counts more.
    """
    is_registered = model.name is not None and model.version is not None
    return {REGISTERED_VARIABLE: f"{model.name}/{model.version}" if is_registered else ""}


def _activated(environment: EnvironmentLayer) -> dict[str, str]:
    """Return what activating the environment would set: who looks into the image means the model's Python."""
    path = {"PATH": f"{environment.target}/bin:{_PATH}"}
    return path if environment.conda is None else {"CONDA_PREFIX": environment.target} | path


def _checked(option: str, values: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in values.items():
        if not name.isprintable() or not name or (option != "--label" and not _VARIABLE.fullmatch(name)):
            raise InvalidOption(f"{option} {name!r} is no name", hint=f"write {option} NAME=VALUE")
        if "\n" in value or "\r" in value or "\0" in value:
            raise InvalidOption(f"the value of {option} {name} has more than one line", hint="shorten it")
        if not _is_unicode(f"{name}{value}"):
            raise InvalidOption(
                f"{option} {name!r} is no text in UTF-8", hint="encode it, in base64 for example"
            )
    return values


def _is_unicode(text: str) -> bool:
    """Whether *text* was UTF-8 on the command line; Python keeps other bytes as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
