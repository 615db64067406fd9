"""The page at ``/``: a person reads what the model is, asks it something, and sees the answer."""

import json
import subprocess
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.contracts.pages.conftest import COLUMNS, EXAMPLE, SPLIT, mlmodel_of

pytestmark = [
    pytest.mark.container,  # Chromium is no part of a bare machine
    pytest.mark.xdist_group("pages"),  # one browser, and one server for most of them
]

NARROW = {"width": 375, "height": 800}
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
KEY = "first-key-0123456789"


@pytest.fixture(autouse=True)
def patience() -> None:
    """Let what is expected of a page take as long as on a busy machine."""
    expect.set_options(timeout=30_000)


def cell(page: Page, field: str, row: int) -> Any:
    """The input of a field in a row."""
    return page.get_by_label(f"{field}, row {row}", exact=True)


def sent_by(command: str) -> list[str]:
    """What a shell gives to curl."""
    script = f"curl() {{ printf '%s\\0' \"$@\"; }}\n{command}"
    said = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=True).stdout
    return said.split("\0")[:-1]


def table(page: Page) -> list[list[str]]:
    """The answer, as rows of texts."""
    return [row.locator("td").all_inner_texts() for row in page.locator("#answer tbody tr").all()]


def is_wider_than_the_screen(page: Page) -> bool:
    """Whether one would have to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_the_page_shows_the_model(serve, visit):
    """Name, version, run, MLflow, Python and what comes out are on the page, and that it is ready."""
    page = visit(serve()).page

    expect(page).to_have_title("listings · Lading")
    expect(page.get_by_role("heading", level=1)).to_have_text("listings")
    expect(page.get_by_role("status")).to_have_text("ready")
    for text in ("0123456789abcdef0123456789abcdef", "3.18.0", "price: double"):
        expect(page.locator("#facts")).to_contain_text(text)


def test_the_example_is_there_and_is_answered(serve, visit):
    """The form holds the input example to the last digit; sent as it is, it gets the model's answer."""
    opened = visit(serve())
    page = opened.page

    expect(cell(page, "title", 1)).to_have_value("won't last")
    expect(cell(page, "rooms", 1)).to_have_value("9007199254740993")
    expect(cell(page, "garden", 2)).to_have_value("false")
    expect(cell(page, "listed", 1)).to_have_value("2024-01-31T12:00")
    expect(page.get_by_label("currency")).to_have_value("CHF")
    opened.predict()
    assert table(page) == [
        ["won't last", "7250.0", "CHF", "9007199254740993"],
        ["Loft", "14000.0", "CHF", "4"],
    ]
    assert page.locator("#timing").inner_text().startswith("200 · ")
    assert " ms · " in page.locator("#timing").inner_text()


def test_what_is_typed_is_asked(serve, visit):
    """Values that were changed, a row that was added, and one that was taken away count."""
    opened = visit(serve())
    page = opened.page

    page.get_by_role("button", name="Add row").click()
    cell(page, "title", 3).fill("Third")
    cell(page, "area", 3).fill("1.5")
    cell(page, "listed", 3).fill("2024-03-01T10:15:30.500")
    page.get_by_role("button", name="Remove row 2").click()
    page.get_by_label("currency").fill("")
    opened.predict()

    assert [row[:3] for row in table(page)] == [["won't last", "7250.0", "EUR"], ["Third", "150.0", "EUR"]]


def test_the_keyboard_is_enough(serve, visit):
    """Ctrl and Enter send the request from any field."""
    page = visit(serve()).page

    cell(page, "title", 1).press("Control+Enter")

    expect(page.locator("#answer tbody tr")).to_have_count(2)


def test_optional_columns_are_left_out_unless_they_are_wanted(serve, visit):
    """A column that is optional is sent only while its box is checked, as it is if the example has it."""
    page = visit(serve()).page

    expect(page.get_by_label("Send floor")).to_be_checked()
    expect(cell(page, "tags", 1)).to_be_disabled()
    page.get_by_label("Send floor").uncheck()
    page.get_by_label("Send tags").check()
    cell(page, "tags", 1).fill('["old"]')

    body = json.loads(sent_by(page.locator("#curl").inner_text())[-1])
    assert body["dataframe_split"]["columns"] == ["title", "area", "rooms", "garden", "listed", "tags"]
    assert body["dataframe_split"]["data"][0][-1] == ["old"]


def test_the_command_line_asks_the_same(serve, visit):
    """A shell gives curl the body, single quotes and all, to which the server answers what the page shows."""
    server = serve()
    opened = visit(server)
    opened.predict()

    url, _, header, _, body = sent_by(opened.page.locator("#curl").inner_text())
    assert url == f"{server.url}/invocations"
    answer = httpx.post(url, content=body, headers=dict([header.split(": ")]))
    assert [row["title"] for row in answer.json()["predictions"]] == ["won't last", "Loft"]
    assert body.startswith('{"dataframe_split":{"columns":["title",')


def test_the_command_line_is_copied(serve, visit):
    """The button puts the command into the clipboard."""
    page = visit(serve(), permissions=["clipboard-read", "clipboard-write"]).page

    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#curl").inner_text()


def test_form_and_json_say_the_same(serve, visit):
    """The request can be written as JSON, which starts as the form says, and goes back into the form."""
    opened = visit(serve())
    page = opened.page

    page.get_by_text("JSON", exact=True).click()
    body = json.loads(page.get_by_label("JSON body").input_value())
    assert body["dataframe_split"]["data"][0][:3] == SPLIT["data"][0][:3]
    assert body["params"] == EXAMPLE["params"]
    body["dataframe_split"]["data"] = [["Attic", 10.0, 1, True, "2024-01-31", 5]]
    page.get_by_label("JSON body").fill(json.dumps(body))
    opened.predict()
    assert table(page) == [["Attic", "1000.0", "CHF", "1"]]
    page.get_by_text("Form", exact=True).click()
    expect(cell(page, "title", 1)).to_have_value("Attic")
    expect(cell(page, "title", 2)).to_have_count(0)


def test_errors_are_shown(serve, visit):
    """An answer that is an error shows its status, its code, and its words, and the model's own frames."""
    opened = visit(serve())
    page = opened.page

    cell(page, "rooms", 1).fill("0")
    opened.predict()

    expect(page.locator("#answer .problem")).to_contain_text("400 Bad Request · BAD_REQUEST")
    page.get_by_text("Stack trace").click()
    expect(page.locator("#answer pre")).to_contain_text("listings_model.py")
    assert opened.complaints == [
        "Failed to load resource: the server responded with a status of 400 (Bad Request)"
    ]
    opened.complaints.clear()


def test_what_cannot_be_sent_is_shown_at_its_place(serve, visit):
    """JSON that is none is not sent; its field is marked and has the focus."""
    opened = visit(serve())
    page = opened.page

    page.get_by_label("Send tags").check()
    cell(page, "tags", 2).fill("[1, ")
    opened.predict()

    expect(page.locator("#answer")).to_contain_text("Not sent")
    expect(page.locator("#answer")).to_contain_text("tags, row 2")
    expect(cell(page, "tags", 2)).to_be_focused()
    expect(cell(page, "tags", 2)).to_have_attribute("aria-invalid", "true")
    cell(page, "tags", 2).fill("[]")
    expect(cell(page, "tags", 2)).not_to_have_attribute("aria-invalid", "true")


def test_markup_in_a_model_is_text(serve, visit):
    """Names, types, examples, metadata and answers that look like markup are shown as they are."""
    columns = [*COLUMNS[:4], {"type": "string", "name": MARKUP, "required": True}]
    data = [[MARKUP, 1.0, 2, True, MARKUP]]
    example = {"dataframe_split": {"columns": ["title", "area", "rooms", "garden", MARKUP], "data": data}}
    params = [{"name": "currency", "type": "string", "default": MARKUP, "shape": None}]
    outputs = [{"type": "double", "name": MARKUP}]
    mlmodel = mlmodel_of(columns, params, outputs, run_id=MARKUP, mlflow_version=MARKUP)
    server = serve({**mlmodel, "utc_time_created": MARKUP}, example, LADING_MODEL_NAME=MARKUP)
    opened = visit(server)
    page = opened.page

    expect(page.get_by_role("heading", level=1)).to_have_text(MARKUP)
    expect(cell(page, MARKUP, 1)).to_have_value(MARKUP)
    opened.predict()
    assert table(page) == [[MARKUP, "100.0", MARKUP, "2"]]
    docs = visit(server, "/docs").page
    expect(docs.get_by_role("heading", level=1)).to_contain_text(MARKUP)
    expect(docs.locator("#Row")).to_contain_text(MARKUP)
    for one in (page, docs):
        assert one.locator("script").count() == 2
        assert one.locator("img").count() == 0


def test_tensors_are_written_as_json(serve, visit):
    """A model of tensors has no form; its body begins as an array of the right shape, and is answered."""
    tensor = {"type": "tensor", "name": "prompt", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}
    opened = visit(serve(mlmodel_of([tensor], []), None))
    page = opened.page

    expect(page.get_by_label("JSON body")).to_have_value('{"inputs": {"prompt": [[0.0, 0.0]]}}')
    expect(page.get_by_role("radio")).to_have_count(0)
    opened.predict()
    expect(page.locator("#answer pre")).to_contain_text('"prompt": [[0.0, 0.0]]')


@pytest.mark.parametrize("data", [[None, 3], {"title": ["x"]}, [[1], "x", [[]]]])
def test_an_example_that_is_no_table_is_written_as_json(serve, visit, data):
    """Whatever a model brings as its example, the page can be used; what is no table is shown as it is."""
    page = visit(serve(example={"dataframe_split": {"columns": ["title"], "data": data}})).page

    expect(page.get_by_role("button", name="Predict")).to_be_visible()
    expect(page.locator("#curl")).to_contain_text("dataframe_split")


def test_conversations_are_written_as_json(serve, visit):
    """A body that is itself the input begins as the example, and its answer is shown while it comes."""
    mlmodel = mlmodel_of()
    mlmodel["flavors"]["python_function"]["streamable"] = True
    example = {"prompt": "one two three", "stream": True}
    opened = visit(serve({**mlmodel, "signature": None}, example))
    page = opened.page

    expect(page.get_by_label("JSON body")).to_have_value('{"prompt": "one two three", "stream": true}')
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#answer pre")).to_contain_text('data: "three"\n\ndata: [DONE]')
    expect(page.get_by_role("button", name="Predict")).to_be_visible()


def test_a_key_is_asked_for_and_kept_in_memory(serve, visit, tmp_path):
    """Where the server wants a key, the page asks for it, sends it, and forgets it; it is never shown."""
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY}\n")
    opened = visit(serve(LADING_API_KEY_FILE=str(keys)))
    page = opened.page

    field = page.get_by_label("This server asks for an API key")
    assert field.get_attribute("type") == "password"
    field.fill("wrong-key-0123456789")
    field.press("Enter")
    expect(page.get_by_role("alert").first).to_have_text("The server does not know this key.")
    field.fill(KEY)
    field.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("listings")
    opened.predict()
    assert len(table(page)) == 2
    assert '-H "X-API-Key: $API_KEY"' in page.locator("#curl").inner_text()
    assert KEY not in page.content()
    expect(page.get_by_role("link")).to_have_text(["API"])
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    page.reload()
    expect(field).to_have_value("")
    assert {text.rpartition("status of ")[2] for text in opened.complaints} == {"401 (Unauthorized)"}
    opened.complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_telephone_is_wide_enough(serve, visit, path, scheme):
    """At 375 pixels nothing but tables scrolls sideways, also with long names and answers."""
    long = [*COLUMNS[:4], {"type": "string", "name": "x" * 80, "required": True}]
    data = [["y" * 200, 1.0, 2, True, "z" * 200]]
    example = {"dataframe_split": {"columns": ["title", "area", "rooms", "garden", "x" * 80], "data": data}}
    opened = visit(serve(mlmodel_of(long), example), path, viewport=NARROW, color_scheme=scheme)
    page = opened.page

    expect(page.get_by_role("main")).to_be_visible()
    if path == "/":
        opened.predict()
        expect(page.locator("#answer tbody tr")).to_have_count(1)
    else:
        for summary in page.locator("details > summary").all()[1:]:
            summary.click()
    assert not is_wider_than_the_screen(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read(serve, visit, scheme):
    """Every text has the contrast to what is behind it that WCAG 2.2 asks for (1.4.3: 4.5 to 1)."""
    opened = visit(serve(), color_scheme=scheme)
    opened.predict()

    assert opened.page.evaluate(CONTRASTS) == []


CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = rgba(getComputedStyle(e).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const bad = [];
  for (const element of document.querySelectorAll("body *")) {
    const texts = [...element.childNodes].filter((n) => n.nodeType === 3 && n.data.trim());
    if (!texts.length || !element.checkVisibility() || element.closest(":disabled, script, style")) continue;
    const both = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    if (ratio < 4.5) bad.push([texts[0].data.trim(), ratio]);
  }
  return bad;
}"""
