"""The rules in one list, applied to a package or written as a table."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from deepz_zoo.package.checks.lint import description_rules, tensor_rules, weight_rules
from deepz_zoo.package.checks.lint.contents import Contents
from deepz_zoo.package.checks.lint.rule import CONSUMERS, Consumer, ConsumerCheck, Rule
from deepz_zoo.package.reading.untrusted import read_description

RULES: tuple[Rule, ...] = (
    *description_rules.RULES,
    *tensor_rules.RULES,
    *weight_rules.RULES,
)


def lint(
    description: Path, consumers: Collection[Consumer] = CONSUMERS
) -> tuple[ConsumerCheck, ...]:
    """Apply the rules to a package that `deepz_zoo.package.reading.archive.open_package` opened.

    Parameters
    ----------
    description
        The package's ``rdf.yaml``; of any bioimage.io model, valid or not.
    consumers
        Programs whose rules count.

    Returns
    -------
    tuple of ConsumerCheck
        One for each rule of these consumers; ``"skipped"`` where it says nothing about the package.

    Raises
    ------
    DeepZError
        If the file is no description.
    """
    contents = Contents(read_description(description), description.parent)
    wanted = set(consumers)
    return tuple(rule.check(contents) for rule in RULES if wanted & set(rule.consumers))


def rules_table() -> str:
    """Return the rules as a Markdown table."""
    rows = [
        f"| {rule.name} | {', '.join(rule.consumers)} | {'warns' if rule.advice else 'fails'} "
        f"| {rule.symptom} | {rule.fix} |"
        for rule in RULES
    ]
    head = [
        "| rule | consumer | breaking it | what happens | what to do |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"
