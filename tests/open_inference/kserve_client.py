"""What KServe's client gets from a server, with JSON and with binary data.

    python -m tests.open_inference.kserve_client

Reads requests and writes answers, one per line (`values.serve`).
"""

import asyncio
from typing import Any

from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

from tests.open_inference.values import array_of, bytes_of, plain, serve


async def ask(client: Any, url: str, model: str, request: dict[str, Any], *, is_binary: bool) -> Any:
    """Return what an inference gives, by the names of its outputs."""
    inputs = []
    for tensor in request["tensors"]:
        item = InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
        item.set_data_from_numpy(bytes_of(array_of(tensor)), binary_data=is_binary)
        inputs.append(item)
    asked = InferRequest(model, inputs, parameters=request.get("parameters"))
    response = await client.infer(url, asked, model_name=model)
    return {output.name: plain(output.as_numpy()) for output in response.outputs}


async def talk(url: str, model: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return what all calls of the client say."""
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        told = {
            "binary": await ask(client, url, model, request, is_binary=True),
            "live": await client.is_server_live(url),
            "ready": await client.is_server_ready(url) and await client.is_model_ready(url, model),
        }
        if not any(
            tensor["datatype"] == "FP16" for tensor in request["tensors"]
        ):  # the client has no JSON for it
            told["json"] = await ask(client, url, model, request, is_binary=False)
    return told


def answer(url: str, model: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return what all calls of the client say."""
    return asyncio.run(talk(url, model, request))


if __name__ == "__main__":
    serve(answer)
