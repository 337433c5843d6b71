"""A lint for packages: the rules that deepImageJ, ilastik and bioimageio.core set in practice.

A package can pass every test of its format and still not load in Fiji. Each rule was learned by
running a consumer, or by reading its source; it knows what that consumer does with a package that
breaks it. Nothing of a package is run.
"""

from deepz_zoo.package.checks.lint.linter import RULES, lint, rules_table
from deepz_zoo.package.checks.lint.rule import CONSUMERS, Consumer, ConsumerCheck, Rule

__all__ = ["CONSUMERS", "RULES", "Consumer", "ConsumerCheck", "Rule", "lint", "rules_table"]
