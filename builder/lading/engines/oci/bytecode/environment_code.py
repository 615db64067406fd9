"""The modules of an environment, compiled when they are asked for and never twice."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from lading.engines.oci.bytecode.compiler import Compiled, Compilers
from lading.engines.oci.bytecode.graph import Node, is_test, longest, reach
from lading.engines.oci.bytecode.wheel_code import KeptCode, WheelCode, layer_entry
from lading.engines.oci.scheme import Scheme
from lading.engines.oci.venv import folder_headers
from lading.engines.oci.wheel import inflate
from lading.engines.oci.wheel_layer import LayerFacts, measure
from lading.layer import EnvironmentLayer
from lading.oci import gzip
from lading.oci.blob import FileBlob
from lading.oci.decompress import gunzip
from lading.oci.tar import END
from lading.store import Store


@dataclass(frozen=True, slots=True)
class EnvironmentCode:
    """The modules of the wheels that are installed together."""

    codes: Sequence[WheelCode]
    owners: dict[str, WheelCode]
    """By module. Where two wheels have the same file, the first one has it, as in the layers of wheels."""

    kept: KeptCode
    compilers: Compilers
    pool: Executor
    changed: set[int] = field(default_factory=set)
    """Which of *codes* know more than the store."""

    @property
    def tops(self) -> frozenset[str]:
        """The names that all others begin with."""
        return frozenset(name.partition(".")[0] for name in self.owners)

    def modules_of(self, package: str) -> frozenset[str]:
        """Return all modules of the wheel of *package*."""
        return frozenset(name for code in self.codes if code.wheel.name == package for name in code.sources)

    def existing(self, names: Iterable[str]) -> frozenset[str]:
        """Return the modules that dotted *names* begin with, the longest of each."""
        return frozenset(found for name in names if (found := longest(name, self.owners.keys())))

    def everything(self) -> frozenset[str]:
        """Return all modules but tests, compiled."""
        modules = frozenset(name for name in self.owners if not is_test(name))
        for code in self.codes:
            self._compile([name for name in sorted(modules) if self.owners[name] is code])
            self.keep()
        return modules

    def reached(self, roots: Iterable[str]) -> frozenset[str]:
        """Return *roots* and all modules that they import, compiled."""
        known = {name: code.sources[name].is_package for name, code in self.owners.items()}
        found = reach(roots, known, self._nodes)
        self.keep()
        return frozenset(found)

    def chunks(self, modules: Iterable[str]) -> Iterator[bytes]:
        """Yield the compressed layer with the bytecode of *modules*, in whatever pieces."""
        chosen = self._by_wheel(modules)
        scheme = self.kept.scheme
        files = [pyc_path(code.sources[name].path, scheme) for code, names in chosen for name in names]
        yield gzip.member(folder_headers(scheme, files))
        for code, names in chosen:
            members = self._members(code, names)
            yield from (members[name] for name in names)
        yield gzip.member(END)

    def layer(self, modules: Iterable[str]) -> LayerFacts:
        """Return what a layer with the bytecode of *modules* is like, which is in the store from now on."""
        store = self.kept.store
        digest = store.add(self.chunks(modules))
        size_bytes = store.path(digest).stat().st_size
        return LayerFacts(digest, size_bytes, measure(gunzip(FileBlob(store.path(digest)).chunks()))[0])

    def keep(self) -> None:
        """Bring what was compiled to the store."""
        for position in sorted(self.changed):
            self.kept.keep(self.codes[position])
        self.changed.clear()

    def _by_wheel(self, modules: Iterable[str]) -> list[tuple[WheelCode, list[str]]]:
        """Return the modules that have bytecode, sorted by path."""
        chosen: dict[str, list[str]] = defaultdict(list)
        for name in modules:
            if self.owners[name].nodes[name].is_compiled:
                chosen[self.owners[name].wheel.name].append(name)
        return [
            (code, sorted(chosen[code.wheel.name], key=lambda name: code.sources[name].path))
            for code in self.codes
        ]

    def _members(self, code: WheelCode, names: list[str]) -> dict[str, bytes]:
        """Return the gzip members of *names*; what the store has lost is compiled again."""
        members = self.kept.members(code) if names else {}
        lost = [name for name in names if name not in members]
        if lost:
            for name in lost:
                del code.nodes[name]
            self._compile(lost)
            members |= code.made
            self.keep()
        return members

    def _nodes(self, modules: list[str]) -> Iterator[Node]:
        self._compile(modules)
        return (self.owners[name].nodes[name] for name in modules)

    def _compile(self, modules: Iterable[str]) -> None:
        missing = [name for name in modules if name not in self.owners[name].nodes]
        for name, (compiled, entry) in zip(missing, self.pool.map(self._made, missing), strict=True):
            code = self.owners[name]
            code.add(name, compiled, entry)
            self.changed.add(self.codes.index(code))

    def _made(self, module: str) -> tuple[Compiled, bytes | None]:
        """Return what an interpreter makes of *module*, and its piece of a layer."""
        code, scheme = self.owners[module], self.kept.scheme
        source = code.sources[module]
        with code.wheel.path.open("rb") as file:
            text = b"".join(inflate(file, source.span))
        compiled = self.compilers.compile(f"{scheme.target}/{source.path}", text)
        if compiled.pyc is None:
            return compiled, None
        return compiled, layer_entry(f"{scheme.target}/{pyc_path(source.path, scheme)}", compiled.pyc)


def pyc_path(path: str, scheme: Scheme) -> str:
    """Return where Python looks for the bytecode of the module at *path* (PEP 3147)."""
    folder, name = posixpath.split(path)
    tag = f"cpython-{scheme.minor.major}{scheme.minor.minor}"
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"


def opened(
    environment: EnvironmentLayer, store: Store, compilers: Compilers, pool: Executor
) -> EnvironmentCode:
    """Return the modules of the wheels in *environment*; interpreters start when one must be compiled."""
    scheme = Scheme(environment.target, environment.lock.python)
    kept = KeptCode(store, scheme, compilers.interpreter.version)
    codes = list(pool.map(kept.find, environment.pinned()))
    owners = {name: code for code in reversed(codes) for name in code.sources}
    return EnvironmentCode(codes, owners, kept, compilers, pool)
