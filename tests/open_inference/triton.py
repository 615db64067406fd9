"""What Triton's client gets from a server, with JSON and with binary data.

    python -m tests.open_inference.triton

Reads requests and writes answers, one per line (`values.serve`).
"""

from typing import Any

import tritonclient.http as triton

from tests.open_inference.values import array_of, bytes_of, plain, serve


def ask(client: Any, model: str, request: dict[str, Any], *, outputs: Any, is_binary: bool) -> Any:
    """Return the client's result of an inference."""
    inputs = []
    for tensor in request["tensors"]:
        item = triton.InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
        item.set_data_from_numpy(bytes_of(array_of(tensor)), binary_data=is_binary)
        inputs.append(item)
    parameters = request.get("parameters")
    return client.infer(model, inputs, outputs=outputs, request_id="7", parameters=parameters)


def outputs_of(result: Any) -> dict[str, Any]:
    """Return what a result holds, by the names of its outputs."""
    return {
        output["name"]: plain(result.as_numpy(output["name"])) for output in result.get_response()["outputs"]
    }


def answer(url: str, model: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return what all calls of the client say."""
    with triton.InferenceServerClient(url.removeprefix("http://")) as client:
        binary = ask(client, model, request, outputs=None, is_binary=True)
        names = [output["name"] for output in binary.get_response()["outputs"]]
        wanted = [triton.InferRequestedOutput(name, binary_data=False) for name in names]
        told = {
            "binary": outputs_of(binary),
            "id": binary.get_response()["id"],
            "live": client.is_server_live(),
            "ready": client.is_server_ready() and client.is_model_ready(model),
            "versions": client.get_model_metadata(model)["versions"],
            "configured": [item["name"] for item in client.get_model_config(model)["input"]],
            "statistics": client.get_inference_statistics(model)["model_stats"][0]["name"],
            "index": client.get_model_repository_index()[0]["name"],
            "server": client.get_server_metadata()["name"],
        }
        client.load_model(model)
        if not any(
            tensor["datatype"] == "FP16" for tensor in request["tensors"]
        ):  # the client has no JSON for it
            told["json"] = outputs_of(ask(client, model, request, outputs=wanted, is_binary=False))
    return told


if __name__ == "__main__":
    serve(answer)
