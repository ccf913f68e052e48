"""Writes what the README shows of the code: the table of keys. `make docs` runs it; a test keeps the README in step."""

from pathlib import Path

from tui.keys import markdown_table

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- keys:begin -->", "<!-- keys:end -->"


def main() -> None:
    """Replace what stands between the marks."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{markdown_table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
