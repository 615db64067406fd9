"""ONNX models as MLflow saves them."""

from pathlib import Path
from typing import Any

import mlflow.onnx
import numpy as np
import pandas as pd
from onnx import TensorProto, helper, numpy_helper

from tests.flavours.variant import Variant, change, forget

WEIGHTS = np.array([[1, -1], [2, 0.5], [3, 0.25]])
FRAME = pd.DataFrame([[1.5, 2.5, 3.1], [4.0, 5.0, 6.7]], columns=["a", "b", "c"])
ARRAY = FRAME.to_numpy()
INPUTS = (
    FRAME,
    FRAME.set_axis([5, 9]),
    FRAME.astype("float32"),
    FRAME.astype("int64"),
    ARRAY,
    ARRAY.astype("float32"),
    {"x": ARRAY},
    {"y": ARRAY},
    [[1.0, 2.0, 3.0]],
    FRAME[["a"]],
)
MANY = pd.DataFrame({"x": [1.5, 2.5], "y": [3.0, 4.0], "n": np.array([1, 2], dtype="int64")})
TEXTS = pd.DataFrame({"x": ["one", "two"]})


def model(nodes: Any, inputs: Any, outputs: Any, weights: Any = ()) -> Any:
    """A graph of *nodes*."""
    graph = helper.make_graph(nodes, "graph", inputs, outputs, initializer=list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def product(kind: int = TensorProto.FLOAT) -> Any:
    """Three numbers to two."""
    weights = numpy_helper.from_array(WEIGHTS.astype(helper.tensor_dtype_to_np_dtype(kind)), "w")
    entry = helper.make_tensor_value_info("x", kind, [None, 3])
    result = helper.make_tensor_value_info("out", kind, [None, 2])
    return model([helper.make_node("MatMul", ["x", "w"], ["out"])], [entry], [result], [weights])


def sums() -> Any:
    """Two columns added, and a third as it is."""
    nodes = [helper.make_node("Add", ["x", "y"], ["sum"]), helper.make_node("Identity", ["n"], ["same"])]
    entries = [
        helper.make_tensor_value_info(name, kind, [None])
        for name, kind in (("x", TensorProto.FLOAT), ("y", TensorProto.FLOAT), ("n", TensorProto.INT64))
    ]
    results = [
        helper.make_tensor_value_info("sum", TensorProto.FLOAT, [None]),
        helper.make_tensor_value_info("same", TensorProto.INT64, [None]),
    ]
    return model(nodes, entries, results)


def echo() -> Any:
    """Texts as they are."""
    entry = helper.make_tensor_value_info("x", TensorProto.STRING, [None, 1])
    result = helper.make_tensor_value_info("out", TensorProto.STRING, [None, 1])
    return model([helper.make_node("Identity", ["x"], ["out"])], [entry], [result])


def save(graph: Any, example: Any = None, **options: Any) -> Any:
    """How *graph* is saved."""
    options = {"pip_requirements": ["onnxruntime"], **options}
    example = ARRAY.astype("float32") if example is None else example
    return lambda folder: mlflow.onnx.save_model(graph, folder, input_example=example, **options)


def save_with(**values: Any) -> Any:
    """How a model is saved whose ``MLmodel`` is then changed by hand."""

    def save_changed(folder: Path) -> None:
        """Save a model in *folder*."""
        save(product())(folder)
        change(folder, "onnx", **values)

    return save_changed


def save_old(folder: Path) -> None:
    """A model of an MLflow that knew neither providers nor options."""
    save(product(), save_as_external_data=False)(folder)
    forget(folder, "onnx", "providers", "onnx_session_options")


OPTIONS = {
    "inter_op_num_threads": 1,
    "intra_op_num_threads": 1,
    "execution_mode": "sequential",
    "graph_optimization_level": 99,
    "extra_session_config": {"session.disable_prepacking": "1"},
}

VARIANTS = {
    "one_input": Variant(save(product()), INPUTS, ({"inputs": [[1, 2, 3]]}, {"inputs": [[1, 2]]})),
    "one_file": Variant(save(product(), save_as_external_data=False), INPUTS),
    "doubles": Variant(save(product(TensorProto.DOUBLE), ARRAY), INPUTS),
    "many_inputs": Variant(
        save(sums(), MANY.astype({"x": "float32", "y": "float32"})),
        (MANY, MANY[["n"]], ARRAY, {name: MANY[name].to_numpy() for name in MANY}),
    ),
    "texts": Variant(save(echo(), TEXTS), (TEXTS, TEXTS.to_numpy(dtype=object))),
    "options": Variant(save(product(), onnx_session_options=OPTIONS), INPUTS),
    "parallel": Variant(save(product(), onnx_session_options={"execution_mode": "parallel"}), INPUTS),
    "providers": Variant(
        save(product(), onnx_execution_providers=["TensorrtExecutionProvider", ("CPUExecutionProvider", {})]),
        INPUTS,
    ),
    "one_provider": Variant(save_with(providers="CPUExecutionProvider"), INPUTS),
    "absent_provider": Variant(save_with(providers=["CUDAExecutionProvider"]), INPUTS),
    "odd_providers": Variant(save_with(providers=[[], 7, ["CPUExecutionProvider", {}]]), INPUTS),
    "old": Variant(save_old, INPUTS),
}
