"""Pages: what may be in them, who may see them, and when they are not there."""

import asyncio
import base64
import hashlib
import re
import sys

import httpx
import pytest
from lading_runtime.schema.signature import read_signature
from lading_runtime.server.app import create_app
from lading_runtime.server.cgroup import Limits
from lading_runtime.server.model import ServedModel
from lading_runtime.server.pages import FOLDER, PAGES, read_page
from lading_runtime.server.probes import Drain
from lading_runtime.server.settings import Settings

MLMODEL = {"run_id": "abc", "mlflow_version": "3.18.0", "flavors": {"python_function": {}}}
MAX_BYTES = 30_000
KEY = "first-key-0123456789"


def whole(request):
    """Return a request with its headers, if it has none."""
    return request if isinstance(request[-1], dict) else (*request, {})


@pytest.fixture
def ask(open_pool, tmp_path):
    """Return a function that sends requests to a server; its keywords are environment variables."""

    def send(*requests, **environ):
        async def main():
            said = {"LADING_MODEL": str(tmp_path), "LADING_MODEL_PYTHON": sys.executable, **environ}
            settings = Settings.read(said, Limits(1, None))
            async with open_pool("ready") as pool:
                await pool.until_told()
                model = ServedModel(tmp_path, MLMODEL)
                app = create_app(model, read_signature(MLMODEL), settings, pool, Drain()).asgi
                transport = httpx.ASGITransport(app=app)
                async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
                    return [
                        await http.request(*line, headers=dict(headers))
                        for *line, headers in map(whole, requests)
                    ]

        return asyncio.run(asyncio.wait_for(main(), 60))

    return send


@pytest.mark.parametrize("name", PAGES.values())
def test_a_page_is_small_and_names_nothing_outside(name):
    """A page with all that it needs has at most 30 kB, and no address of anything else."""
    html = read_page(FOLDER / name).body.decode()

    assert len(html.encode()) <= MAX_BYTES
    assert set(re.findall(r"https?://[^'\"\s]+", html)) == {"http://www.w3.org/2000/svg"}
    assert re.findall(r"<(?:script|link|img|iframe)[^>]* (?:src|href)=.(.{5})", html) == ["data:"]


@pytest.mark.parametrize("name", PAGES.values())
def test_the_policy_allows_what_is_in_the_page_and_nothing_else(name):
    """Every style and script of a page has its digest in the policy; there are no others."""
    page = read_page(FOLDER / name)
    policy = dict(page.headers)[b"content-security-policy"].decode()

    for kind in ("style", "script"):
        texts = re.findall(f"<{kind}>(.*?)</{kind}>", page.body.decode(), re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
        assert re.findall(rf"{kind}-src ([^;]*)", policy) == [allowed]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none';")
    assert not re.search(r"\son\w+=|\sstyle=", page.body.decode().partition("<script>")[0])


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.js")))
def test_no_script_makes_markup_of_text(name):
    """Scripts make elements one by one: the ways to parse text as markup or code do not occur in them."""
    text = (FOLDER / name).read_text("utf-8")

    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|srcdoc", text)


def test_pages_are_kept_as_long_as_they_hold(ask):
    """A browser that has a page asks with its tag, and is told in few bytes that it still holds."""
    (page,) = ask(("GET", "/"))
    tag = page.headers["etag"]
    again, other = ask(
        ("GET", "/", {"if-none-match": tag}),
        ("GET", "/", {"if-none-match": '"other"'}),
    )

    assert page.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert other.status_code == 200


def test_each_is_what_it_is_called(ask):
    """Pages are HTML, their document JSON; browsers are told not to guess."""
    answers = ask(("GET", "/"), ("GET", "/docs"), ("GET", "/openapi.json"), ("HEAD", "/"))

    html = "text/html; charset=utf-8"
    assert [answer.headers["content-type"] for answer in answers] == [html, html, "application/json", html]
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}
    assert answers[2].json()["x-lading"]["model"]["run_id"] == "abc"


def test_pages_can_be_left_out(ask):
    """LADING_PAGE=off: nothing is there, as in MLflow."""
    answers = ask(*(("GET", path) for path in (*PAGES, "/openapi.json")), LADING_PAGE="off")

    assert [answer.status_code for answer in answers] == [404] * 3


def test_pages_know_nothing_of_the_model_without_a_key(ask, tmp_path):
    """With API keys, a page is answered to all, and what it shows of the model to who brings a key."""
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY}\n")
    page, docs, api, with_key, posted = ask(
        ("GET", "/"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/openapi.json", {"x-api-key": KEY}),
        ("POST", "/"),
        LADING_API_KEY_FILE=str(keys),
    )

    assert [answer.status_code for answer in (page, docs, api, with_key, posted)] == [200, 200, 401, 200, 401]
    assert "abc" not in re.findall(r"\b[0-9a-z]{3,}\b", page.text)


def test_predictions_at_the_path_of_a_page_need_a_key(ask, tmp_path):
    """A platform may have its predictions at a path that all may read; they still need a key."""
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY}\n")
    probe, prediction, page = ask(
        ("GET", "/health"),
        ("POST", "/health"),
        ("GET", "/"),
        LADING_API_KEY_FILE=str(keys),
        AIP_PREDICT_ROUTE="/health",
    )

    assert [answer.status_code for answer in (probe, prediction, page)] == [200, 401, 200]


def test_azure_has_its_probe_where_the_page_would_be(ask, tmp_path):
    """On Azure, ``/`` is the probe of its own server; the API is described at its place."""
    probe, docs = ask(("GET", "/"), ("GET", "/docs"), AZUREML_MODEL_DIR=str(tmp_path))

    assert probe.text == "Healthy"
    assert docs.status_code == 200
