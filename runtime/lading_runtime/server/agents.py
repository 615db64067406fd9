"""The further routes of models that are agents, as MLflow's agent server and OpenAI's clients know them."""

from __future__ import annotations

import orjson
from starlette.types import Receive, Scope, Send

from lading_runtime.server.model import ServedModel
from lading_runtime.server.responses import respond

RESPONSES_TASK = "agent/v1/responses"

SCORING_PATHS = {
    RESPONSES_TASK: "/responses",
    "agent/v2/chat": "/v1/chat/completions",
    "agent/v1/chat": "/v1/chat/completions",
}
"""Where an agent of this task answers scoring requests, too."""

INFO = "/agent/info"


class AgentInfo:
    """What kind of agent is it?"""

    def __init__(self, model: ServedModel, name: str) -> None:
        facts = {"name": name, "use_case": "agent", "mlflow_version": model.mlflow_version}
        if model.agent == RESPONSES_TASK:
            facts["agent_api"] = "responses"
        self._body = orjson.dumps(facts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Answer with what MLflow's agent server says of itself."""
        await respond(send, 200, self._body)
