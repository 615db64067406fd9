"""Requirement files, by pip's rules."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.capture.environment import capture
from lading.environment import LocalWheel, PackageIndex
from lading.errors import InvalidEnvironment

from tests.builder.capture.conftest import MLMODEL, PYTHON_ENV, Folder


def test_requirements_are_kept_in_order(folder):
    """Pins, ranges, extras and markers stay what they are."""
    found = folder.requires("b==1.0", "a[x,y]>=2,<3", 'c~=1.4; python_version < "3.12"', "d")

    assert found.requirements == ("b==1.0", "a[x,y]<3,>=2", 'c~=1.4; python_version < "3.12"', "d")


def test_comments_blank_lines_and_continued_lines_are_read_as_pip_does(folder):
    """A backslash joins lines, ``#`` begins a comment after a space, and a comment is never continued."""
    found = folder.requires(
        "# first \\", "a==1  # one", "", "b==\\", "2", "c @ https://h/c.zip#sha1=f", "d \\", "# x", "e"
    )

    assert found.requirements == ("a==1", "b==2", "c @ https://h/c.zip#sha1=f", "d", "e")


@pytest.mark.parametrize(
    "content",
    [
        "a==1 # ä".encode("utf-8-sig"),
        "a==1 # ä".encode("utf-16"),
        b"# -*- coding: latin-1 -*-\na==1 # \xe4\n",
        "a==1 # ä\r\n".encode(),
    ],
)
def test_encodings_are_recognised(folder, content):
    """A byte order mark or a ``coding:`` comment says how a file is written; else it is UTF-8."""
    folder.file("requirements.txt", content)

    assert capture(folder.model).requirements == ("a==1",)


def test_a_file_of_another_encoding_is_named(folder):
    """Bytes that are no text are an error with the file's name."""
    folder.file("requirements.txt", b"a==1 # \xe4\n")

    with pytest.raises(InvalidEnvironment, match=r"requirements\.txt cannot be read"):
        capture(folder.model)


def test_hashes_stay_with_their_requirement(folder):
    """``--hash`` options, usually on lines of their own, follow the requirement."""
    found = folder.requires("a==1 \\", f"    --hash=sha256:{'0' * 64} \\", f"    --hash sha256:{'1' * 64}")

    assert found.requirements == (f"a==1 --hash=sha256:{'0' * 64} --hash=sha256:{'1' * 64}",)


def test_variables_are_filled_in_as_pip_does(folder):
    """``${NAME}`` is a variable where it is set and upper case; anything else stays."""
    found = folder.requires(
        "--index-url https://u:${TOKEN}@h/simple", "a @ https://h/${MISSING}/${lower}/a.zip", TOKEN="sesame"
    )

    assert found.index.index_url == "https://u:sesame@h/simple"
    assert found.requirements == ("a @ https://h/${MISSING}/${lower}/a.zip",)


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        ("a @ git+https://h/a@v1", "a @ git+https://h/a@v1"),
        ("git+https://h/a@v1#egg=a", "a @ git+https://h/a@v1"),
        ("git+https://h/a@v1#egg=a&subdirectory=x", "a @ git+https://h/a@v1#subdirectory=x"),
        (
            "git+ssh://git@h/a.git@v1#subdirectory=x&egg=a[y]",
            "a[y] @ git+ssh://git@h/a.git@v1#subdirectory=x",
        ),
        ("git+https://h/a@v1#egg=a ; python_version<'4'", 'a @ git+https://h/a@v1 ; python_version < "4"'),
        ("git+https://h/a@v1", "git+https://h/a@v1"),
        ("https://h/my_lib-1.0-py3-none-any.whl", "my-lib @ https://h/my_lib-1.0-py3-none-any.whl"),
        ("https://h/my_lib-1.0.tar.gz", "https://h/my_lib-1.0.tar.gz"),
    ],
)
def test_direct_references_are_written_by_name_where_they_tell_it(folder, line, requirement):
    """VCS and URL requirements become PEP 508; where only a build tells the name, they stay bare."""
    assert folder.requires(line).requirements == (requirement,)


def test_included_files_count(folder):
    """``-r`` brings requirements and ``-c`` bounds, also from files that include others by relative names."""
    folder.file("more/a.txt", "a==1\n-r ../b.txt\n").file("b.txt", "b==2\n").file(
        "constraints.txt", "c<3\n-r b.txt"
    )

    found = folder.requires("-r more/a.txt", "--constraint=constraints.txt", "d", "-r b.txt")

    assert found.requirements == ("a==1", "b==2", "d")
    assert found.constraints == ("c<3",)


def test_index_options_are_kept(folder):
    """Where packages come from is part of what was captured; the last ``--index-url`` wins."""
    folder.file("wheels/a-1-py3-none-any.whl").file(
        "more.txt", "-i https://b/simple\n--find-links wheels\n--trusted-host=h:8080\n--no-binary=x,y"
    )

    found = folder.requires(
        "--index-url https://a/simple --extra-index-url https://c/simple",
        "-r more.txt",
        "--pre",
        "-f https://h/links",
        "--only-binary :all:",
        "--prefer-binary",
    )

    assert found.index == PackageIndex(
        index_url="https://b/simple",
        extra_index_urls=("https://c/simple",),
        find_links=(str(folder.path / "wheels"), "https://h/links"),
        trusted_hosts=("h:8080",),
        allows_prereleases=True,
        no_binary=("x", "y"),
        only_binary=(":all:",),
    )
    assert not folder.requires("--no-index").index.uses_index


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        ("code/my_lib-1.0-py3-none-any.whl", "my-lib==1.0"),
        ("./code/my_lib-1.0-py3-none-any.whl[x,y]", "my-lib[x,y]==1.0"),
        ("my_lib @ file:code/my_lib-1.0-py3-none-any.whl", "my-lib==1.0"),
        ("file:./code/my_lib-1.0-py3-none-any.whl", "my-lib==1.0"),
        ("code/my_lib-1.0-py3-none-any.whl ; python_version>'3'", "my-lib==1.0; python_version>'3'"),
    ],
)
def test_wheels_of_the_model_folder_are_found(folder, line, requirement):
    """A wheel inside the model counts from the model folder, in every way that pip lets one write it."""
    folder.file("code/my_lib-1.0-py3-none-any.whl")

    found = folder.requires("a==1", line)

    path = folder.path / "code" / "my_lib-1.0-py3-none-any.whl"
    assert found.wheels == (LocalWheel(path.resolve(), requirement),)
    assert found.requirements == ("a==1",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-e ./src", "requirements.txt, line 2: an editable install is no part of the model: '-e ./src'"),
        ("--editable git+https://h/a", "an editable install is no part of the model"),
        ("--target x", "requirements.txt, line 2: this option is not known: '--target x'"),
        ("--index-url", "this option is not known"),
        ("a==1 --global-option=x", "this option is not known"),
        ("a=1", "requirements.txt, line 2: this is no requirement: 'a=1'"),
        ("a b", "this is no requirement"),
        ("a>1.*", "this is no requirement"),
        ("../secret.txt", "only wheels of the model folder can be required by path"),
        ("../a-1-py3-none-any.whl", "'../a-1-py3-none-any.whl' is outside the model folder"),
        ("code/a-1-py3-none-any.whl", "'code/a-1-py3-none-any.whl' does not exist in the model folder"),
        ("code/pkg", "only wheels of the model folder can be required by path"),
        ("a @ file:///home/me/a-1-py3-none-any.whl", "it is a file of the machine that trained the model"),
        ("-r none.txt", "requirements.txt, line 2: 'none.txt' does not exist in the model folder"),
        ("-r ../outside.txt", "requirements.txt, line 2: '../outside.txt' is outside the model folder"),
        ("-c /etc/hostname", "'/etc/hostname' is outside the model folder"),
        ("-c https://h/constraints.txt", "only files of the model folder can be included"),
        ("-r requirements.txt", "requirements.txt, line 2: the file includes itself"),
        ("-f ../wheels", "this is no folder of the model folder"),
    ],
)
def test_what_cannot_be_used_names_file_and_line(folder, line, message):
    """A line that a build could not follow is an error where it stands."""
    (folder.path.parent / "outside.txt").write_text("a")

    with pytest.raises(InvalidEnvironment) as raised:
        folder.requires("ok==1", line)

    assert message in str(raised.value)


def test_a_circle_of_files_is_an_error(folder):
    """Files that include each other are named where the circle closes."""
    folder.file("a.txt", "-r b.txt").file("b.txt", "x\n-r a.txt")

    with pytest.raises(InvalidEnvironment, match=r"b\.txt, line 2: the file includes itself"):
        folder.requires("-r a.txt")


def test_links_do_not_lead_outside(folder, tmp_path):
    """A symbolic link is followed before it is judged."""
    (tmp_path / "outside.txt").write_text("a")
    (folder.path / "inside.txt").symlink_to(tmp_path / "outside.txt")

    with pytest.raises(InvalidEnvironment, match="outside the model folder"):
        folder.requires("-r inside.txt")


def test_errors_show_no_secrets(folder):
    """A line is quoted without the variables' values and without credentials in URLs."""
    with pytest.raises(InvalidEnvironment) as raised:
        folder.requires("a b --x https://me:sesame@h/${TOKEN}", TOKEN="sesame")

    assert "sesame" not in str(raised.value)
    assert "${TOKEN}" in str(raised.value)


@given(st.text(alphabet="ab-=<>!~ .,;:@#/\\[]()'\"${}_\nrceifhtpslg+1é", max_size=60))
def test_no_text_is_worse_than_an_error(tmp_path_factory, text):
    """Any file gives an environment or an ``InvalidEnvironment``, never anything else."""
    folder = Folder(tmp_path_factory.getbasetemp() / "any")
    folder.file("MLmodel", MLMODEL).file("conda.yaml").file("python_env.yaml", PYTHON_ENV)

    with suppress(InvalidEnvironment):
        folder.requires(text)
