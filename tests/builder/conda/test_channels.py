"""Where channels are, and who is asked for them as whom."""

import pytest
from lading.conda.channels import Channels, private_url, public_url
from lading.errors import InvalidEnvironment


@pytest.fixture
def of_user(tmp_path):
    """Return the channels of a user with this ``.condarc`` and these variables."""

    def found(condarc: str = "", **variables: str) -> Channels:
        (tmp_path / ".condarc").write_text(condarc)
        return Channels.of_user({"HOME": str(tmp_path), **variables})

    return found


def test_names_are_below_the_alias(of_user):
    """A name is a channel of anaconda.org, or of the host that the user has for it."""
    assert of_user().urls(("conda-forge", "me/label/dev")) == (
        "https://conda.anaconda.org/conda-forge",
        "https://conda.anaconda.org/me/label/dev",
    )
    assert of_user("channel_alias: https://h/conda/").urls(("c",)) == ("https://h/conda/c",)
    assert of_user("channel_alias: x", CONDA_CHANNEL_ALIAS="https://v").urls(("c",)) == ("https://v/c",)


def test_defaults_are_anacondas_own_channels(of_user):
    """``defaults`` stands for two channels, or for those that the user has for it."""
    assert of_user().urls(("defaults",)) == (
        "https://repo.anaconda.com/pkgs/main",
        "https://repo.anaconda.com/pkgs/r",
    )
    assert of_user("default_channels: [https://h/main]").urls(("defaults",)) == ("https://h/main",)


def test_names_of_the_users_own(of_user):
    """``custom_channels`` and ``custom_multichannels`` say where a name is."""
    own = of_user("custom_channels: {team: https://h/c}\ncustom_multichannels: {all: [team, defaults]}\n")

    assert own.urls(("team",)) == ("https://h/c/team",)
    assert own.urls(("all",))[0] == "https://h/c/team"


def test_urls_and_folders_stand_for_themselves(of_user, tmp_path):
    """URLs keep their credentials; a folder becomes a URL; ``nodefaults`` says nothing; each comes once."""
    channels = ("https://u:p@h/c/", str(tmp_path), "nodefaults", "https://u:p@h/c")

    assert of_user().urls(channels) == ("https://u:p@h/c", tmp_path.as_uri())


def test_an_environment_without_channels_gets_the_usual_ones(of_user):
    """Those of ``.condarc``, or conda-forge."""
    assert of_user().urls(()) == ("https://conda.anaconda.org/conda-forge",)
    assert of_user("channels: [https://h/c]").urls(("nodefaults",)) == ("https://h/c",)


def test_what_is_no_channel_is_refused(of_user):
    """A text that names nothing is told, and so is a file that cannot be read."""
    with pytest.raises(InvalidEnvironment, match="is no channel"):
        of_user().urls(("no channel",))
    with pytest.raises(InvalidEnvironment, match=r"\.condarc cannot be read"):
        of_user("channels: [")


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://user:secret@h:8/c/linux-64/a-1-0.conda", "https://h:8/c/linux-64/a-1-0.conda"),
        ("https://h/t/se-cret/c/noarch/a-1-0.conda", "https://h/c/noarch/a-1-0.conda"),
        ("https://h/t/se-cret", "https://h"),
        ("https://h/c/noarch/a-1!2-0.conda", "https://h/c/noarch/a-1!2-0.conda"),
        ("file:///c/noarch/a-1-0.conda", "file:///c/noarch/a-1-0.conda"),
    ],
)
def test_credentials_are_cut_out_of_urls(url, public):
    """Neither a login nor a token is in what a lock names."""
    assert public_url(url) == public


def test_credentials_come_back_for_the_channels_files_only():
    """A locked URL is opened with what its own channel has, and no other is."""
    channels = ("https://h/t/secret/c", "https://u:p@i/d")

    assert private_url("https://h/c/noarch/a.conda", channels) == "https://h/t/secret/c/noarch/a.conda"
    assert private_url("https://i/d/noarch/a.conda", channels) == "https://u:p@i/d/noarch/a.conda"
    assert private_url("https://i/dd/noarch/a.conda", channels) == "https://i/dd/noarch/a.conda"
