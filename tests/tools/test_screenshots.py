"""The README's pictures are there, are what they should be, and are made by one command."""

import re
from pathlib import Path

import pytest

from tools.screenshots import MOST_BYTES, OUT, PICTURES, check, words

ROOT = Path(__file__).resolve().parents[2]
LINKS = re.compile(r"!\[([^\]]+)\]\(([^)]+)\)")
HOME = "/somewhere/private"


def picture(*shown: str) -> str:
    return "<svg>" + "".join(f'<text x="1">{word.replace(" ", "&#160;")}</text>' for word in shown) + "</svg>"


def test_every_picture_the_readme_shows_is_there_and_every_one_that_is_made_is_shown():
    linked = {target for _, target in LINKS.findall((ROOT / "README.md").read_text())}
    assert linked == {f"docs/screenshots/{name}.svg" for name in PICTURES}
    assert [target for target in linked if not (ROOT / target).is_file()] == []


def test_one_command_makes_them():
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^screenshots: \$\(DEV\)  ## .+\n\t.+ -m tools\.screenshots$", makefile, re.MULTILINE)
    assert "screenshots" in makefile.partition(".PHONY:")[2].partition("\n")[0].split()


@pytest.mark.parametrize("name", PICTURES)
def test_what_is_shown_is_what_it_says_and_names_no_folder(name: str):
    text = (OUT / f"{name}.svg").read_text()
    check(name, text, "/tmp/")  # noqa: S108 - no file is made there
    assert not re.search(r"(/\w+){2}/|@font-face|private_key|\b[0-9a-f]{40,}\b", words(text) + text.partition("<g")[0])


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_that_lacks_what_it_is_of_is_refused(name: str):
    *others, last = PICTURES[name][1]
    check(name, picture(*others, last), HOME)
    with pytest.raises(ValueError, match=f"shows no {last}"):
        check(name, picture(*others), HOME)


def test_a_picture_that_names_a_folder_of_this_machine_is_refused():
    shown = PICTURES["desk"][1]
    with pytest.raises(ValueError, match="names a folder"):
        check("desk", picture(*shown, f"saved {HOME}/state/one.svg"), HOME)


def test_a_picture_that_is_too_large_is_refused():
    with pytest.raises(ValueError, match="at most 300,000"):
        check("desk", picture(*PICTURES["desk"][1], "x" * MOST_BYTES), HOME)


def test_words_are_read_as_they_are_shown():
    assert words(picture("open tasks", "BTC")) == "open tasks\nBTC"
