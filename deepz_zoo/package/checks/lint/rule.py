"""What a rule of the lint is, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from deepz_zoo.package.checks.check import Check, Status
from deepz_zoo.package.checks.lint.contents import Contents, NotApplicable

Consumer = Literal["deepimagej", "ilastik", "bioimageio"]
CONSUMERS: tuple[Consumer, ...] = get_args(Consumer)

Problems = Callable[[Contents], Iterator[str]]
"""Yields a phrase for each place of a package that breaks a rule."""


@dataclass(frozen=True)
class ConsumerCheck(Check):
    """A check of the lint: whom it concerns, what happens otherwise, and what to do.

    Attributes
    ----------
    consumers
        The programs that set the rule.
    symptom
        What they do with a package that breaks it.
    fix
        What to change.
    """

    consumers: tuple[Consumer, ...] = ()
    symptom: str = ""
    fix: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    name
        What holds in a good package.
    consumers, symptom, fix
        As in `ConsumerCheck`.
    problems
        Finds what breaks the rule.
    advice
        Breaking it is a warning: the package works, at a price or under a condition.
    """

    name: str
    consumers: tuple[Consumer, ...]
    symptom: str
    fix: str
    problems: Problems
    advice: bool = False

    def check(self, contents: Contents) -> ConsumerCheck:
        """Apply the rule to a package."""
        status: Status = "passed"
        detail = ""
        try:
            if problems := list(self.problems(contents)):
                status, detail = ("warned" if self.advice else "failed"), "; ".join(problems)
        except NotApplicable as reason:
            status, detail = "skipped", str(reason)
        return ConsumerCheck(self.name, status, detail, self.consumers, self.symptom, self.fix)


def rule(
    name: str, *consumers: Consumer, symptom: str, fix: str, advice: bool = False
) -> Callable[[Problems], Rule]:
    """Make a function that finds problems into the rule that is described beside it."""

    def make(problems: Problems) -> Rule:
        return Rule(name, consumers, symptom, fix, problems, advice)

    return make
