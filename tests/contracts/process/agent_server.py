"""Answers requests as MLflow's own agent server does; run by the interpreter that has MLflow.

    python agent_server.py MODEL AGENT_TYPE

AGENT_TYPE is ``ResponsesAgent`` or empty. Reads a JSON list of ``[method, path, body]``, and prints one of
``[status, content type, text]``.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import mlflow
from mlflow.genai.agent_server import AgentServer, invoke, stream


def plain(request: Any) -> dict[str, Any]:
    """Return a request as the dictionary that it was sent as."""
    return request if isinstance(request, dict) else request.model_dump(exclude_unset=True)


def serve(folder: str, agent_type: str) -> Any:
    """Return the agent server's application for the model in *folder*."""
    model = mlflow.pyfunc.load_model(folder)

    def predict(request: Any) -> Any:
        return model.predict(plain(request))

    def predict_stream(request: Any) -> Iterator[Any]:
        yield from model.predict_stream(plain(request))

    invoke()(predict)
    stream()(predict_stream)
    return AgentServer(agent_type or None).app


async def main() -> None:
    """Ask, and print what was answered."""
    transport = httpx.ASGITransport(app=serve(sys.argv[1], sys.argv[2]))
    answers = []
    async with httpx.AsyncClient(transport=transport, base_url="http://agent") as client:
        for method, path, body in json.load(sys.stdin):
            answer = await client.request(method, path, json=body)
            answers.append([answer.status_code, answer.headers["content-type"], answer.text])
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    asyncio.run(main())
