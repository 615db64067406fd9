"""What `decode.py` measures in the model's interpreter: MLflow's parse and enforce, and our frame building.

python model_side.py RUNTIME DESCRIPTOR SIGNATURE

Answers messages on a socket until its other end is closed.
"""

import json
import socket
import statistics
import sys
import time
from typing import Any

import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.pyfunc import _validate_prediction_input
from mlflow.pyfunc.scoring_server import _parse_json_data

sys.path.insert(0, sys.argv[1])
from lading_runtime.wire import Message, receive, send
from lading_runtime.worker import frames

METADATA = Model(signature=ModelSignature.from_dict(json.loads(sys.argv[3])))


def parse(body: bytes) -> Any:
    """Return what MLflow's server gives its model (`scoring_server.invocations`, `PyFuncModel._predict`)."""
    schema = METADATA.get_input_schema()
    parsed = _parse_json_data(body, METADATA, schema)
    return _validate_prediction_input(parsed.data, parsed.params, schema, METADATA.get_params_schema())[0]


def work_on(message: Message) -> float:
    """Do what *message* asks for; return the median time of it."""
    body, *buffers = message.buffers
    node = message.header["payload"]
    text = bytes(body)
    if message.header["work"] == "check":
        pd.testing.assert_frame_equal(parse(text), frames.build(node, buffers), check_exact=True)
        return 0.0
    durations = []
    for _ in range(message.header["times"]):
        start = time.perf_counter()
        if message.header["work"] == "parse":
            parse(text)
        else:
            frames.build(node, buffers)
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[2])) as stream:
        while (request := receive(stream)) is not None:
            send(stream, Message({"seconds": work_on(request)}))
