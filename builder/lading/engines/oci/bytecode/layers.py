"""Layers of bytecode: one for the server's environment, one for the model's.

What they hold depends on the wheels, on the modules that the model names and on the Python that compiles;
nothing of the user's is run. The server's layer is the same in every image with this server and Python.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any

from lading.engines.oci.bases.base import Base
from lading.engines.oci.bytecode.base_interpreter import BaseInterpreters
from lading.engines.oci.bytecode.mode import Bytecode
from lading.engines.oci.bytecode.transform import TRANSFORM
from lading.engines.oci.wheel_layer import LayerFacts
from lading.environment import PythonMinor
from lading.errors import BuildFailed
from lading.layer import EnvironmentLayer
from lading.oci import media_types
from lading.oci.blob import FileBlob
from lading.oci.compress import COMPRESSOR
from lading.oci.descriptor import Descriptor
from lading.oci.image import Layer
from lading.plan import RUNTIME, ImagePlan
from lading.progress import Progress
from lading.store import Store

if TYPE_CHECKING:
    from lading.engines.oci.bytecode.compiler import Compilers, Interpreter
    from lading.engines.oci.bytecode.environment_code import EnvironmentCode

_LAYERS = "bytecode-layers"
_ROOTS = "bytecode-roots"

CORES = min(len(os.sched_getaffinity(0)), 4)
"""How many interpreters are worth running; more would wait for us, who read the wheels."""

_Roots = Callable[["EnvironmentCode"], frozenset[str]]


@dataclass(frozen=True, slots=True)
class BytecodeLayers:
    """Compiles what an image's interpreters import; what was compiled before is only looked up."""

    store: Store
    progress: Progress
    mode: Bytecode = Bytecode.IMPORTED

    is_required: bool = False
    """Whether an image without its bytecode is refused, because the user asked for it."""

    def layers(self, plan: ImagePlan, base: Base) -> tuple[Layer, ...]:
        """Return the server's layer and the model's; none where nothing can compile for the image's Python.

        Raises:
            BuildFailed: no interpreter compiles for the image, and bytecode is required.
            DigestMismatch: a layer of the base is damaged.
            InvalidWheel: a wheel cannot be laid out.
            StoreError: the store cannot be read or written.
        """
        if self.mode is Bytecode.OFF:
            return ()
        with self._workers(plan, base) as workers, ThreadPoolExecutor() as jobs:
            wanted = ((plan.python, self._server), (plan.environment.lock.python, self._model))
            made = [jobs.submit(make, plan, workers[on]) for on, make in wanted if on in workers]
            try:
                return tuple(self._compiled(made))
            except BaseException:  # what is still to be compiled would be waited for
                for each in workers.values():
                    each.pool.shutdown(wait=False, cancel_futures=True)
                raise

    @contextmanager
    def _workers(self, plan: ImagePlan, base: Base) -> Iterator[Mapping[PythonMinor, "_Workers"]]:
        """Give those that compile, by the Python that they compile for."""
        # conda brings the model another Python than the base's, which the server runs on
        pythons = dict.fromkeys((plan.python, plan.environment.lock.python))
        found = {
            python: interpreter
            for python in pythons
            if (interpreter := self._interpreter(python, plan, base)) is not None
        }
        with ExitStack() as stack, ThreadPoolExecutor(CORES) as pool:
            yield {python: _Workers(interpreter, pool, stack) for python, interpreter in found.items()}

    def _interpreter(self, python: PythonMinor, plan: ImagePlan, base: Base) -> "Interpreter | None":
        """Return the base's own interpreter where it runs here, else one of this machine."""
        own = BaseInterpreters(self.store).find(base) if python == plan.python else None
        found: Interpreter | None = own or self._on_this_machine(python)
        if found is None:
            hint = f"install one (uv python install {python}), or use --bytecode off"
            self._leave_out(
                BuildFailed(f"no CPython {python} on this machine compiles for the image", hint=hint)
            )
        return found

    def _on_this_machine(self, python: PythonMinor) -> "Interpreter | None":
        finding = import_module("lading.engines.oci.bytecode.interpreter")
        found: Interpreter | None = finding.FoundInterpreters(self.store).find(python)
        return found

    def _compiled(self, made: Iterable[Future[Layer]]) -> Iterator[Layer]:
        """Yield the layers that were made; where no interpreter could, that is told once."""
        failed: dict[str, BuildFailed] = {}
        for each in made:
            try:
                yield each.result()
            except BuildFailed as error:
                failed[error.message] = error
        for reason in failed.values():
            self._leave_out(reason)

    def _leave_out(self, reason: BuildFailed) -> None:
        if self.is_required:
            raise reason
        self.progress.line(
            f"bytecode is left out, so the image starts slower: {reason.message}; {reason.hint}"
        )

    def _server(self, plan: ImagePlan, workers: "_Workers") -> Layer:
        work = _Work(self, plan.server, workers)
        return work.layer(work.key, lambda code: code.modules_of(RUNTIME))

    def _model(self, plan: ImagePlan, workers: "_Workers") -> Layer:
        work = _Work(self, plan.environment, workers)
        if self.mode is Bytecode.ALL:
            return work.layer(work.key, lambda _: frozenset())
        runtime = next(wheel for wheel in plan.server.pinned() if wheel.name == RUNTIME)
        tops = work.names("tops", lambda: work.code.tops)
        named = work.names(
            f"named {plan.model.digest}", lambda: _mentions().names_in(plan.model.source, tops)
        )
        # a model that was trained anew names what the one before did, and nothing of the wheels is read
        roots = work.names(
            f"roots {runtime.digest} {' '.join(sorted(named))}",
            lambda: work.code.existing(named | _mentions().names_in_loaders(runtime.path, tops, named)),
        )
        return work.layer(f"{work.key} {' '.join(sorted(roots))}", lambda _: roots)


@dataclass(frozen=True, slots=True)
class _Workers:
    """Who compiles for one Python: as many threads as processes, for both environments.

    What compiles takes a while to import, and most builds have all bytecode: it is there once it is needed.
    """

    interpreter: "Interpreter"
    pool: ThreadPoolExecutor

    stack: ExitStack
    """Ends the processes."""

    started: "list[Compilers]" = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def compilers(self) -> "Compilers":
        """Return the processes, which start when something is to be compiled."""
        with self.lock:
            if not self.started:
                compilers = import_module("lading.engines.oci.bytecode.compiler").compilers
                self.started.append(self.stack.enter_context(compilers(self.interpreter)))
        return self.started[0]


@dataclass(frozen=True)
class _Work:
    """One environment, and who compiles for it."""

    settings: BytecodeLayers
    environment: EnvironmentLayer
    workers: _Workers

    @property
    def version(self) -> str:
        """The version of the interpreter."""
        return self.workers.interpreter.version

    @property
    def key(self) -> str:
        """What the bytes depend on, beside the roots."""
        wheels = " ".join(str(wheel.digest) for wheel in self.environment.pinned())
        made_by = f"{TRANSFORM} {COMPRESSOR} {self.version}"
        return f"{made_by} {self.settings.mode} {self.environment.target} {wheels}"

    @cached_property
    def code(self) -> "EnvironmentCode":
        """The modules of the environment."""
        opened = import_module("lading.engines.oci.bytecode.environment_code").opened
        code: EnvironmentCode = opened(
            self.environment, self.settings.store, self.workers.compilers(), self.workers.pool
        )
        return code

    def names(self, key: str, find: Callable[[], frozenset[str]]) -> frozenset[str]:
        """Return what was found in this environment under *key* before, or *find* it."""
        store, whole_key = self.settings.store, f"{self.key} {key}"
        kept = store.read_entry(_ROOTS, whole_key)
        if kept is not None:
            return frozenset(json.loads(kept))
        names = find()
        store.write_entry(_ROOTS, whole_key, json.dumps(sorted(names)).encode())
        return names

    def layer(self, key: str, roots: _Roots) -> Layer:
        """Return the layer that was made under *key* before, or make it of what *roots* bring with them."""
        store = self.settings.store
        facts = self._kept(key)
        if facts is None:
            facts = self._found(self._wanted(roots))
            store.write_entry(_LAYERS, key, facts.encode())
        descriptor = Descriptor(media_types.TAR_GZIP, facts.digest, facts.size_bytes)
        blob = FileBlob(store.path(facts.digest))
        created_by = f"lading: bytecode of CPython {self.version} in {self.environment.target}"
        return Layer(descriptor, facts.diff_id, blob, created_by)

    def _wanted(self, roots: _Roots) -> frozenset[str]:
        is_all = self.settings.mode is Bytecode.ALL
        return self.code.everything() if is_all else self.code.reached(roots(self.code))

    def _kept(self, key: str) -> LayerFacts | None:
        kept = self.settings.store.read_entry(_LAYERS, key)
        facts = LayerFacts.decode(kept) if kept is not None else None
        return facts if facts is not None and self.settings.store.path(facts.digest).is_file() else None

    def _found(self, modules: frozenset[str]) -> LayerFacts:
        """Return the layer of *modules*, which other roots may have brought before."""
        key = f"{self.key} modules {' '.join(sorted(modules))}"
        facts = self._kept(key)
        if facts is None:
            facts = self.code.layer(modules)
            self.settings.store.write_entry(_LAYERS, key, facts.encode())
        return facts


def _mentions() -> Any:
    return import_module("lading.engines.oci.bytecode.mentions")
