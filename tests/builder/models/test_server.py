"""Talking to a tracking server: credentials, certificates, patience, and servers that are none."""

import base64
import json

import pytest
from lading.errors import ModelNotFound, TrackingServerError

from tests.builder.models.front import Front, basic, demands

pytestmark = pytest.mark.xdist_group("tracking")
SECRET = "open sesame"


def test_name_and_password_are_sent(server, fetched):
    """``MLFLOW_TRACKING_USERNAME`` and ``…_PASSWORD`` go with every request, also those for artifacts."""
    with Front(server.uri, demands(basic("ada", SECRET))).running() as front:
        model = fetched(
            "models:/iris/1", front.url, MLFLOW_TRACKING_USERNAME="ada", MLFLOW_TRACKING_PASSWORD=SECRET
        )

    assert (model.folder / "MLmodel").is_file()


def test_a_token_is_sent(server, fetched):
    """``MLFLOW_TRACKING_TOKEN`` reaches the server as a bearer token."""
    with Front(server.uri, demands(f"Bearer {SECRET}")).running() as front:
        model = fetched("models:/iris/1", front.url, MLFLOW_TRACKING_TOKEN=SECRET)

    assert (model.folder / "MLmodel").is_file()


def test_credentials_in_the_address_are_sent_and_never_shown(server, fetched):
    """A tracking URI may hold name and password; errors leave them out."""
    with Front(server.uri, demands(basic("ada", "sesame"))).running() as front:
        address = front.url.replace("://", "://ada:sesame@")
        assert fetched("models:/iris/1", address).name == "iris"
        with pytest.raises(ModelNotFound) as raised:
            fetched("models:/iris/9x", address)

    assert "sesame" not in str(raised.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_names_the_variables(server, fetched, status):
    """A server that wants credentials is answered with where they are set, not with a retry."""
    with Front(server.uri, lambda seen: (status, {}, b"no")).running() as front:
        with pytest.raises(TrackingServerError) as raised:
            fetched("models:/iris/1", front.url)
        assert len(front.seen) == 1
        with pytest.raises(TrackingServerError, match="check MLFLOW_TRACKING_USERNAME") as wrong:
            fetched("models:/iris/1", front.url, MLFLOW_TRACKING_TOKEN=SECRET)

    assert f"{front.url} refuses access ({status})" in str(raised.value)
    assert "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN" in str(
        raised.value
    )
    assert SECRET not in str(wrong.value)


def test_a_server_of_an_own_authority_is_trusted_when_told(server, fetched, certificates):
    """``MLFLOW_TRACKING_SERVER_CERT_PATH`` names the CA; without it the error says so."""
    with Front(server.uri).running(certificates.server_context()) as front:
        with pytest.raises(TrackingServerError, match=r"cannot be trusted.*MLFLOW_TRACKING_SERVER_CERT_PATH"):
            fetched("models:/iris/1", front.url)
        model = fetched(
            "models:/iris/1", front.url, MLFLOW_TRACKING_SERVER_CERT_PATH=str(certificates.authority)
        )

    assert (model.folder / "MLmodel").is_file()


def test_any_certificate_will_do_when_told(server, fetched, certificates):
    """``MLFLOW_TRACKING_INSECURE_TLS`` checks no certificate."""
    with Front(server.uri).running(certificates.server_context()) as front:
        model = fetched("models:/iris/1", front.url, MLFLOW_TRACKING_INSECURE_TLS="true")

    assert (model.folder / "MLmodel").is_file()


def test_a_client_certificate_is_shown(server, fetched, certificates):
    """``MLFLOW_TRACKING_CLIENT_CERT_PATH`` is what a server that demands a certificate gets."""
    trusted = {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(certificates.authority)}
    with Front(server.uri).running(certificates.server_context(demands_client=True)) as front:
        with pytest.raises(TrackingServerError):
            fetched("models:/iris/1", front.url, **trusted)
        shown = {"MLFLOW_TRACKING_CLIENT_CERT_PATH": str(certificates.client)}
        model = fetched("models:/iris/1", front.url, **trusted, **shown)

    assert (model.folder / "MLmodel").is_file()


def test_a_certificate_file_that_is_none_is_named(fetched, tmp_path):
    """A certificate that cannot be read is an error that names the file and the variables."""
    with pytest.raises(
        TrackingServerError, match=r"no\.pem cannot be used.*MLFLOW_TRACKING_SERVER_CERT_PATH"
    ):
        fetched(
            "models:/iris/1", "https://localhost:1", MLFLOW_TRACKING_SERVER_CERT_PATH=str(tmp_path / "no.pem")
        )


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_says_later_is_asked_again(server, fetched, status):
    """Three answers of "later" in a row, and the fourth request still succeeds."""
    answers = [(status, {"Retry-After": "0"}, b"later")] * 3
    with Front(server.uri, lambda seen: answers.pop() if answers else None).running() as front:
        model = fetched("models:/iris/1", front.url)

    assert (model.folder / "MLmodel").is_file()


def test_patience_ends(server, fetched):
    """A server that only ever says "later" is given up, after as many retries as the settings allow."""
    with Front(server.uri, lambda seen: (503, {}, b"later")).running() as front:
        with pytest.raises(TrackingServerError, match="answers 503"):
            fetched("models:/iris/1", front.url)

        assert len(front.seen) == 1 + 5


def test_a_server_that_is_not_there_is_unreachable(fetched):
    """Nothing that listens is an error that names address and variable."""
    with pytest.raises(
        TrackingServerError, match=r"http://localhost:1 cannot be reached: .*MLFLOW_TRACKING_URI"
    ):
        fetched("models:/iris/1", "http://user:secret@localhost:1")


@pytest.mark.parametrize("uri", ["http://", "http://[x", "http://localhost:port", "https:///path"])
def test_an_address_that_is_none_is_refused(fetched, uri):
    """A tracking URI that names no server is an error, never a crash."""
    with pytest.raises(TrackingServerError):
        fetched("models:/iris/1", uri)


def test_a_page_where_json_should_be_is_nonsense(server, fetched):
    """A login page or a proxy's page is told from an answer of MLflow."""
    page = (200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Sign in</html>")
    with (
        Front(server.uri, lambda seen: page).running() as front,
        pytest.raises(TrackingServerError, match=r"answers text/html where MLflow answers JSON"),
    ):
        fetched("models:/iris/1", front.url)


@pytest.mark.parametrize("content", [b"[]", b'{"run": 1}', b"{}", b'{"run": {"info": {"experiment_id": 1}}}'])
def test_json_that_is_no_answer_is_nonsense(server, fetched, content):
    """JSON without what was asked for is an error, never a crash."""
    with (
        Front(
            server.uri, lambda seen: (200, {"Content-Type": "application/json"}, content)
        ).running() as front,
        pytest.raises(TrackingServerError),
    ):
        fetched("runs:/abc/model", front.url)


def test_a_web_server_that_is_no_tracking_server_is_told(server, fetched):
    """A 404 that is not MLflow's does not mean that a model is missing."""
    with (
        Front(server.uri, lambda seen: (404, {}, b"<h1>Not found</h1>")).running() as front,
        pytest.raises(
            TrackingServerError, match=r"answers 404 Not Found; is MLFLOW_TRACKING_URI the address"
        ),
    ):
        fetched("runs:/abc/model", front.url)


def test_an_older_server_knows_no_logged_models(server, fetched):
    """Where logged models are unknown to the server, a run's artifacts are the model."""

    def answer(seen):
        error = json.dumps({"error_code": "ENDPOINT_NOT_FOUND", "message": "?"}).encode()
        return (404, {}, error) if "logged-models" in seen.path else None

    with Front(server.uri, answer).running() as front:
        model = fetched(f"runs:/{server.runs[0]}/old/nested model", front.url)

    assert (model.folder / "MLmodel").is_file()
    assert model.model_id is None


def test_the_workspace_is_asked_for(server, fetched):
    """``MLFLOW_WORKSPACE`` goes along as MLflow's header."""
    with Front(server.uri).running() as front:
        fetched("models:/iris/1", front.url, MLFLOW_WORKSPACE="default")

        assert {seen.headers.get("x-mlflow-workspace") for seen in front.seen} == {"default"}


def test_signing_that_only_mlflow_knows_is_left_to_mlflow(fetched):
    """``MLFLOW_TRACKING_AUTH`` names plug-ins of MLflow, so MLflow must be installed for it."""
    with pytest.raises(TrackingServerError, match=r"pip install 'lading\[mlflow\]'"):
        fetched("models:/iris/1", "http://localhost:1", MLFLOW_TRACKING_AUTH="kubernetes")


def test_credentials_have_a_form():
    """The helper of these tests writes name and password as RFC 7617 does."""
    assert base64.b64decode(basic("a", "b").removeprefix("Basic ")) == b"a:b"
