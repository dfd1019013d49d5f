"""The packages, which pyproject.toml cannot state: those found, and `conf/`, installed as `core.conf`."""

from setuptools import find_namespace_packages, find_packages, setup

setup(
    packages=[
        *find_packages(include=["core", "core.*"]),
        "core.conf",
        # `plugins` is a namespace, so that other distributions may add to it.
        *find_namespace_packages(include=["plugins", "plugins.*"]),
    ],
)
