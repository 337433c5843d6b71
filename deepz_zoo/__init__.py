"""Deep-Z virtual refocusing: a model zoo, trainer and exporter."""

__version__ = "0.1.0"
