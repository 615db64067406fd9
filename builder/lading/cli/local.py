"""What ``serve`` and ``predict`` share: a server that is ready to be started."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import assert_never

from lading.capture.environment import Manager
from lading.capture.mlflow_need import MlflowNeed
from lading.cli.options import EnvManager, ProgressMode
from lading.cli.progress import shown
from lading.cli.steps import Workshop, downloads, make_workshop
from lading.environment import PackageIndex
from lading.environments.conda import CondaMaker
from lading.environments.local import EnvironmentMaker
from lading.environments.uv import UvMaker
from lading.environments.virtualenv import VirtualenvMaker
from lading.local_server import LocalServer
from lading.reference import parse_model_ref
from lading.serving import Makers, prepare


@contextmanager
def prepared(
    model_uri: str, manager: EnvManager, mlflow: MlflowNeed, mode: ProgressMode, index: PackageIndex
) -> Iterator[LocalServer]:
    """Give a server for a model; what was downloaded only for it is gone afterwards."""
    ref = parse_model_ref(model_uri)
    with downloads() as folder:
        with shown(mode) as progress:
            tools = make_workshop(folder, progress, index)
            captured = Manager.CONDA if manager is EnvManager.CONDA else Manager.VIRTUALENV
            makers = Makers(_maker(manager, tools), UvMaker(tools.store, tools.progress), captured)
            server = prepare(ref, mlflow, tools.steps, makers)
        yield server


def _maker(manager: EnvManager, tools: Workshop) -> EnvironmentMaker | None:
    match manager:
        case EnvManager.LOCAL:
            return None
        case EnvManager.VIRTUALENV:
            return VirtualenvMaker(tools.store, tools.progress)
        case EnvManager.UV:
            return UvMaker(tools.store, tools.progress)
        case EnvManager.CONDA:
            return CondaMaker(tools.store, tools.progress, tools.steps.prefixes)
        case _:
            assert_never(manager)
