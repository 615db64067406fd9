"""The page at ``/docs`` and the document behind it, of a real server."""

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from playwright.sync_api import expect

from tests.contracts.pages.conftest import EXAMPLE

pytestmark = [
    pytest.mark.container,  # Chromium is no part of a bare machine
    pytest.mark.xdist_group("pages"),  # one browser, and one server for most of them
]


def test_every_operation_is_listed(serve, visit):
    """All paths of the document are on the page, with what goes in and comes out, and how to ask."""
    server = serve()
    api = httpx.get(f"{server.url}/openapi.json").json()
    page = visit(server, "/docs").page

    expect(page.locator("details.operation")).to_have_count(sum(map(len, api["paths"].values())))
    expect(page.locator("#Row")).to_contain_text("rooms integer · int64")
    expect(page.locator("#Params")).to_contain_text("currency")
    page.get_by_role("link", name="Try it").click()
    expect(page.get_by_role("heading", level=2, name="Request")).to_be_visible()


def test_what_the_document_says_is_true(serve):
    """Each path that can be read answers as described; examples are answered, as their schemas say."""
    server = serve()
    api = httpx.get(f"{server.url}/openapi.json").json()
    OpenAPIV31SpecValidator(api).validate()

    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            described = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            answer = httpx.request(method, server.url + path, json=described.get("example"), timeout=30)
            content = operation["responses"][str(answer.status_code)]["content"]
            media_type = answer.headers["content-type"].partition(";")[0]
            assert media_type in content, path
            schema = content[media_type].get("schema", {})
            is_json = media_type == "application/json" and answer.content.strip()
            if is_json:
                Draft202012Validator({**schema, "components": api["components"]}).validate(answer.json())
            assert answer.status_code == 200, answer.text
    scoring = api["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]
    assert scoring["example"] == EXAMPLE


def test_pages_are_not_there_if_nobody_wants_them(serve):
    """LADING_PAGE=off: whoever asks gets what MLflow's server says of a path that it has not."""
    server = serve(LADING_PAGE="off")

    answers = [httpx.get(server.url + path) for path in ("/", "/docs", "/openapi.json")]
    assert [answer.json() for answer in answers] == [{"detail": "Not Found"}] * 3
