"""ONNX models, run by ONNX Runtime without MLflow and without the ``onnx`` package.

The reference is ``mlflow.onnx._load_pyfunc`` and its ``_OnnxModelWrapper``.
"""

from __future__ import annotations

import importlib
from typing import Any

from lading_runtime.worker.loaders.flavour import data_of, flavour_of
from lading_runtime.worker.log import report
from lading_runtime.worker.model import LoadedModel, ModelFolder, Params
from lading_runtime.worker.refusal import Refusal

CPU = "CPUExecutionProvider"
DEFAULT_PROVIDERS = ["CUDAExecutionProvider", CPU]
"""What models want that say nothing."""


class OnnxLoader:
    """Loads a graph, its weights beside it or in it, for the best provider that is there."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded."""
        flavour = flavour_of(model, "onnx")
        runtime = importlib.import_module("onnxruntime")
        available = set(runtime.get_available_providers())
        providers = usable_providers(flavour.get("providers"), available)
        session = open_session(
            runtime, str(data_of(model)), providers, flavour.get("onnx_session_options") or {}
        )
        return LoadedModel("onnx", Graph(session).predict)


def usable_providers(wanted: Any, available: set[str]) -> list[Any]:
    """Return those of the *wanted* providers that are *available*, the CPU if there are none."""
    listed = [wanted] if isinstance(wanted, str) else wanted or DEFAULT_PROVIDERS
    # YAML has no tuples, and ONNX Runtime takes a name with options only as one.
    entries = [tuple(entry) if isinstance(entry, list) else entry for entry in listed]
    usable = [entry for entry in entries if provider_name(entry) in available] or [CPU]
    if entries not in (usable, DEFAULT_PROVIDERS):
        report(f"not all of the model's execution providers are here; it runs on {usable}")
    return usable


def provider_name(entry: Any) -> str | None:
    """Return the name of a provider that is written as a name, or as a name and options."""
    name = (entry[0] if entry else None) if isinstance(entry, tuple) else entry
    return name if isinstance(name, str) else None


def open_session(runtime: Any, file: str, providers: list[Any], options: dict[str, Any]) -> Any:
    """Return a session on *file*, on the CPU if the *providers* cannot be initialised."""
    settings = session_options(runtime, options)
    try:
        return runtime.InferenceSession(file, providers=providers, sess_options=settings)
    except Exception as error:
        # Providers that are compiled in raise what they like where their driver is missing.
        if providers == [CPU]:
            raise
        report(f"the execution providers {providers} failed, the model runs on the CPU: {error!r}")
        return runtime.InferenceSession(file, providers=[CPU], sess_options=settings)


def session_options(runtime: Any, options: dict[str, Any]) -> Any:
    """Return what the model says about its session, as ONNX Runtime takes it."""
    settings = runtime.SessionOptions()
    for name in ("inter_op_num_threads", "intra_op_num_threads"):
        if options.get(name):
            setattr(settings, name, options[name])
    modes = {
        "SEQUENTIAL": runtime.ExecutionMode.ORT_SEQUENTIAL,
        "PARALLEL": runtime.ExecutionMode.ORT_PARALLEL,
    }
    mode = modes.get(str(options.get("execution_mode")).upper())
    if mode is not None:
        settings.execution_mode = mode
    if options.get("graph_optimization_level"):
        level = options["graph_optimization_level"]
        settings.graph_optimization_level = runtime.GraphOptimizationLevel(level)
    for name, value in (options.get("extra_session_config") or {}).items():
        settings.add_session_config_entry(name, value)
    return settings


class Graph:
    """A session and the names of what goes in and out."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.inputs: dict[str, str] = {entry.name: entry.type for entry in session.get_inputs()}
        self.outputs = [entry.name for entry in session.get_outputs()]
        self.numpy = importlib.import_module("numpy")
        self.pandas = importlib.import_module("pandas")

    def predict(self, data: Any, _params: Params = None) -> Any:
        """Return a flat column per output for a frame, and the outputs as they are for arrays."""
        results = self.session.run(self.outputs, self.as_floats(self.feeds(data)))
        if not isinstance(data, self.pandas.DataFrame):
            return dict(zip(self.outputs, results))
        columns = {
            name: self.numpy.asarray(result).reshape(-1) for name, result in zip(self.outputs, results)
        }
        return self.pandas.DataFrame.from_dict(columns)

    def feeds(self, data: Any) -> dict[str, Any]:
        """Return *data* by the names of the inputs.

        Raises:
            Refusal: it is one array, and the model has several inputs.
            TypeError: it is neither frame nor array nor arrays by name.
        """
        if isinstance(data, dict):
            return data
        if isinstance(data, self.numpy.ndarray):
            return {self.only_input(): data}
        if not isinstance(data, self.pandas.DataFrame):
            kind = type(data).__name__
            raise TypeError(
                f"Input should be a dictionary or a numpy array or a pandas.DataFrame, got {kind}"
            )
        if len(self.inputs) == 1:
            return {self.only_input(): data.values}
        return {name: data[name].values for name in self.inputs}

    def only_input(self) -> str:
        """Return the name of the input.

        Raises:
            Refusal: there are several.
        """
        if len(self.inputs) != 1:
            raise Refusal(
                "Unable to map numpy array input to the expected model input. Please pass in data as either a"
                f" dictionary or a DataFrame with the following tensors: {list(self.inputs)}."
            )
        return next(iter(self.inputs))

    def as_floats(self, feeds: dict[str, Any]) -> dict[str, Any]:
        """Return *feeds* with doubles made floats where the graph wants floats: JSON knows only doubles."""
        return {
            name: feed.astype(self.numpy.float32)
            if self.inputs.get(name) == "tensor(float)"
            and feed is not None
            and feed.dtype == self.numpy.float64
            else feed
            for name, feed in feeds.items()
        }
