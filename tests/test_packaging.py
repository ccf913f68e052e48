"""What an operator installs: the wheel holds the whole desk, style sheet included, and starts from anywhere."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, unpacked where nothing else of ours is."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [wheel] = folder.glob("*.whl")
    target = folder / "installed"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(target)
    return target


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this interpreter as if the wheel alone were installed, from a folder that holds nothing."""
    env = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1", "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=installed.parent, env=env, capture_output=True, text=True, timeout=60
    )


def test_the_style_sheet_is_found_inside_the_wheel(installed: Path) -> None:
    done = run(installed, "-c", "import tui.style; print(tui.style.style_sheet())")
    assert Path(done.stdout.strip()) == installed / "tui" / "tui.tcss", done.stderr
    assert (installed / "tui" / "tui.tcss").read_bytes() == (ROOT / "tui.tcss").read_bytes()


def test_the_command_starts_from_anywhere(installed: Path) -> None:
    done = run(installed, "-m", "tui", "--version")
    assert done.stdout.startswith("lighter-tui "), done.stderr


def test_nothing_but_the_program_is_installed(installed: Path) -> None:
    assert {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")} == {"core", "tui"}
