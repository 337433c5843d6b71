"""Write the rules of the lint as a table into ``docs/validation.md``.

For maintainers: ``python packaging/write_rules.py``, after a rule was added or changed.
"""

from __future__ import annotations

from pathlib import Path

from deepz_zoo.package.checks.lint import rules_table

DOCUMENT = Path(__file__).parents[1] / "docs" / "validation.md"
BEGIN = "<!-- rules: python packaging/write_rules.py -->\n"
END = "<!-- end of rules -->\n"


def write() -> None:
    """Replace what stands between the two marks."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    text = f"{before}{BEGIN}\n{rules_table()}\n{END}{after}"
    DOCUMENT.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write()
