"""Accuracy as Markdown tables."""

from __future__ import annotations

from deepz_zoo.cards.tables import accuracy_tables
from deepz_zoo.records.accuracy import Accuracy


def test_there_is_a_line_for_each_method_and_distance(accuracy: Accuracy) -> None:
    text = accuracy_tables(accuracy)
    assert "| 5 | model | 0.875 | 0.438 | 0.938 | 0.0625 | 0.1250 |" in text
    assert "| low | +5 | model | 17 | 0.81 (0.56–1.06) | – | 0.81 (0.56–1.06) | 2 |" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    # Two noises with heading, rule, 3 distances × 4 methods; the beads' heading, rule, row.
    assert len(tables) == 2 * (2 + 12) + 3
    assert len({line.replace(r"\|", "").count("|") for line in tables[:28]}) == 1
