"""The server's pages in a real browser: Debian's Chromium, without its sandbox, which root cannot have."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, sync_playwright

from tests.contracts.process.conftest import PATIENCE_S, ServerProcess

MODEL = Path(__file__).with_name("model")
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Json = dict[str, Any]
Serve = Callable[..., ServerProcess]
Open = Callable[..., "Visit"]

COLUMNS: list[Json] = [
    {"type": "string", "name": "title", "required": True},
    {"type": "double", "name": "area", "required": True},
    {"type": "long", "name": "rooms", "required": True},
    {"type": "boolean", "name": "garden", "required": True},
    {"type": "datetime", "name": "listed", "required": True},
    {"type": "integer", "name": "floor", "required": False},
    {"type": "array", "items": {"type": "string"}, "name": "tags", "required": False},
]
PARAMS: list[Json] = [{"name": "currency", "type": "string", "default": "EUR", "shape": None}]
SPLIT: Json = {
    "columns": ["title", "area", "rooms", "garden", "listed", "floor"],
    "data": [
        ["won't last", 72.5, 9007199254740993, True, "2024-01-31T12:00:00", 3],
        ["Loft", 140.0, 4, False, "2024-02-01T08:30:00", 1],
    ],
}
EXAMPLE: Json = {"dataframe_split": SPLIT, "params": {"currency": "CHF"}}


def mlmodel_of(
    columns: list[Json] = COLUMNS, params: list[Json] = PARAMS, outputs: list[Json] | None = None, **more: Any
) -> Json:
    """What MLmodel says of a model."""
    return {
        "flavors": {"python_function": {"loader_module": "listings_model", "code": "code"}},
        "mlflow_version": "3.18.0",
        "run_id": "0123456789abcdef0123456789abcdef",
        "artifact_path": "listings",
        "signature": {
            "inputs": json.dumps(columns),
            "outputs": json.dumps(outputs or [{"type": "double", "name": "price"}]),
            "params": json.dumps(params) if params else None,
        },
        "saved_input_example_info": {
            "artifact_path": "input_example.json",
            "serving_input_path": "serving_input_example.json",
            "type": "dataframe",
        },
        **more,
    }


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Return a function that serves the model as it is described; its keywords are environment variables.

    Pages change nothing in a server, so one that was started for the same is used again.
    """
    started: dict[str, ServerProcess] = {}

    def start(mlmodel: Json | None = None, example: Json | None = EXAMPLE, **environ: str) -> ServerProcess:
        described = json.dumps([mlmodel or mlmodel_of(), example, environ])
        if described not in started:
            folder = tmp_path_factory.mktemp("served")
            shutil.copytree(MODEL, folder / "model")
            (folder / "model" / "MLmodel").write_text(json.dumps(mlmodel or mlmodel_of()))
            if example is not None:
                (folder / "model" / "serving_input_example.json").write_text(json.dumps(example))
            started[described] = ServerProcess(folder, {"LADING_DRAIN_DELAY_S": "0", **environ})
        return started[described].until_ready()

    yield start
    for server in started.values():
        server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium.

    Playwright keeps an event loop running in this thread, beside which tests of other modules could run none.
    """
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE_S * 2000
        )
        yield launched
        launched.close()


class Visit:
    """A page that is open, and what happened in it."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        """What a developer would see in red."""
        self.foreign: list[str] = []
        """Requests to anyone but the server."""
        self._origin = origin
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._close)
        page.on("request", self._note)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _close(self, dialog: Dialog) -> None:
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _note(self, request: Request) -> None:
        if not request.url.startswith((f"{self._origin}/", "data:")):
            self.foreign.append(request.url)

    def predict(self) -> None:
        """Send the request; return when there is an answer."""
        self.page.get_by_role("button", name="Predict").click()
        self.page.locator("#answer:not([aria-busy]) > :not(.dim)").first.wait_for()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Return a function that opens a page of a server; its keywords are those of the browser's context.

    Whatever was visited, nobody else was asked for anything, and nothing went wrong unless the test knows.
    """
    visits: list[Visit] = []

    def open_page(server: ServerProcess, path: str = "/", **options: Any) -> Visit:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE_S * 1000)
        visits.append(Visit(context.new_page(), server.url))
        visits[-1].page.goto(server.url + path)
        return visits[-1]

    yield open_page
    for one in visits:
        one.page.context.close()
    assert [one.foreign for one in visits] == [[] for _ in visits]
    assert [one.complaints for one in visits] == [[] for _ in visits]
