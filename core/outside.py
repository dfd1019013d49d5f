"""Bounds on YAML from outside: it is data, whoever wrote it.

Outside is every folder that a command line adds to Hydra's search path (``--config-dir``, ``hydra.searchpath``).
Hydra itself builds objects that a configuration names, sets environment variables and writes files where it says;
so in the section ``hydra``, files from outside may choose among what is installed and set plain values, by a list.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.core_plugins import file_config_source
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf
from omegaconf.base import Container
from omegaconf.basecontainer import BaseContainer
from omegaconf.errors import InterpolationResolutionError

from core.errors import ConfigError

MAX_BYTES = 1 << 18
"""Bytes of a YAML file."""
MAX_NODES = 100_000
"""Values of a YAML file, those that its aliases repeat among them."""
MAX_DEPTH = 100
"""Levels of its values."""
MAX_REFERENCES = 2_000
"""Interpolations that are resolved for one configuration, those that others repeat among them."""
MAX_VALUE_LENGTH = 1 << 20
"""Characters of an interpolated value."""
TOO_DEEP = f"its values are nested more than {MAX_DEPTH} times"
VARIABLES = "MINDVIDEO_"
"""Environment variables whose names begin so are there for ``${oc.env:NAME}``."""
CLOSED = ("oc.create", "oc.decode", "oc.deprecated", "oc.dict.keys", "oc.dict.values")
"""Resolvers of OmegaConf that no configuration of ours needs."""
PLAIN_TAGS = {
    f"tag:yaml.org,2002:{name}"
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
}
FOLDERS = {"run.dir", "sweep.dir", "sweep.subdir"}
VALUES = FOLDERS | {
    "job.chdir",
    *(
        f"sweeper.{name}"
        for name in ("direction", "max_batch_size", "max_failure_rate", "n_jobs", "n_trials")
    ),
    *("sweeper.study_name", "sweeper.sampler.seed"),
    *(f"launcher.{name}" for name in ("account", "array_parallelism", "constraint", "cpus_per_gpu")),
    *(f"launcher.{name}" for name in ("cpus_per_task", "exclude", "gpus_per_node", "gpus_per_task", "gres")),
    *(f"launcher.{name}" for name in ("max_num_timeout", "mem_gb", "mem_per_cpu", "mem_per_gpu", "n_jobs")),
    *(f"launcher.{name}" for name in ("nodes", "partition", "qos", "tasks_per_node", "timeout_min")),
    *("launcher.ray.remote.num_cpus", "launcher.ray.remote.num_gpus"),
}
"""Keys in the section ``hydra`` that a file from outside may set."""
PARAMS = "sweeper.params"
"""Place of what is swept, in a file from outside."""


@contextmanager
def guarded() -> Iterator[None]:
    """While it lasts, YAML from outside is checked as it is read, and resolvers give what is needed alone."""
    Plugins.instance()  # which registers Hydra's own sources
    sources, resolvers = SourcesRegistry.instance().types, BaseContainer._resolvers
    before = dict(sources), dict(resolvers)
    sources["file"] = FileConfigSource
    _References.resolved, resolve = None, Container.resolve_parse_tree
    Container.resolve_parse_tree = _count_resolutions(resolve)  # type: ignore[method-assign]
    OmegaConf.register_new_resolver("oc.env", _variable, replace=True)
    for name in CLOSED:
        OmegaConf.register_new_resolver(name, partial(_refuse, name), replace=True)
    try:
        yield
    finally:
        Container.resolve_parse_tree = resolve  # type: ignore[method-assign]
        sources.update(before[0])
        for name in ("oc.env", *CLOSED):
            resolvers[name] = before[1][name]


class _References:
    """How many interpolations were resolved since a file from outside was last read; counted from the first on."""

    resolved: int | None = None


def _count_resolutions(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """`Container.resolve_parse_tree` with bounds: values that repeat one another grow by powers."""

    def bounded(self: Container, *words: Any, **named: Any) -> Any:
        if _References.resolved is None:
            return resolve(self, *words, **named)
        _References.resolved += 1
        if _References.resolved > MAX_REFERENCES:
            raise InterpolationResolutionError(
                f"values refer to one another more than {MAX_REFERENCES:,} times."
            )
        value = resolve(self, *words, **named)
        if isinstance(value, str) and len(value) > MAX_VALUE_LENGTH:
            raise InterpolationResolutionError(
                f"values refer to one another until one has {len(value):,} characters."
            )
        return value

    return bounded


def _variable(name: str, *default: str | None) -> str | None:
    """The resolver ``oc.env``."""
    if not name.startswith(VARIABLES):
        raise ValueError(f"${{oc.env:{name}}} is not read: only variables called {VARIABLES}… are.")
    if name not in os.environ and not default:
        raise ValueError(f"the environment variable {name} is not set.")
    return os.environ.get(name, *default)


def _refuse(name: str, *_: Any) -> Any:
    raise ValueError(f"${{{name}:…}} is not used in configurations of mindvideo: write the value itself.")


def check_words(words: Sequence[str]) -> None:
    """Raises `ConfigError` where a word names an object to build, which no word of mindvideo needs."""
    for word in words:
        key, _, value = word.partition("=")
        if "_target_" in key.split(".") or (names_hydra(key) and "_target_" in value):
            raise ConfigError(f"{word} is not used: '_target_' would build an object that a word names.")


class FileConfigSource(file_config_source.FileConfigSource):
    """Hydra's reader of folders, which looks at a file before it is composed.

    It has the name of Hydra's own: by the name Hydra knows, in a process of a sweep, that the kind has its source.
    """

    def load_config(self, config_path: str) -> ConfigResult:
        """The configuration of a file; raises `ConfigError` where it says more than data may."""
        _References.resolved = 0
        name = self._normalize_file_name(config_path)
        file = Path(self.path) / name
        if file.is_file():
            _check_file(file, name)
        return super().load_config(config_path)


def _check_file(file: Path, name: str) -> None:
    if names_hydra(name):
        raise _fault(file, "what is called 'hydra' is read from mindvideo's own configuration alone")
    if ConfigStore.instance().get_type(name) is not ObjectType.NOT_FOUND:
        raise _fault(
            file, f"mindvideo has a {name.removesuffix('.yaml')} already: give the file another name"
        )
    text = _text(file)
    header = ConfigSource._get_header_dict(text[:512])
    if names_hydra(str(header.get("package", ""))):
        raise _fault(file, f"its package is '{header['package']}'")
    content = _parse(file, text)
    if not isinstance(content, Mapping):
        return
    for item in content.get("defaults") or ():
        for choice in item if isinstance(item, Mapping) else [item]:
            if names_hydra(str(choice).partition("@")[2]):
                raise _fault(file, f"its defaults put '{choice}' into the section hydra")
    if "hydra" in content:
        for key, value in _leaves(content["hydra"]):
            _check_setting(file, key, value)


def _fault(file: Path, what: str) -> ConfigError:
    return ConfigError(f"{file} is not used: {what}.")


def names_hydra(key: str) -> bool:
    """Whether a key, a package or the path of a file leads to the section of Hydra itself."""
    return "hydra" in re.split(r"[./:@+~\s]", key)


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _fault(file, f"it has more than {MAX_BYTES >> 10} KiB, which no configuration needs")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _fault(file, f"it is no text in UTF-8 ({error})") from None


class _Loader(yaml.SafeLoader):
    """Reads YAML that is not too deep: PyYAML calls itself for every level."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """A node; raises `YAMLError` where it is too deep."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.YAMLError(TOO_DEEP)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _parse(file: Path, text: str) -> Any:
    """The content of a file, once it is known to be plain and of a bearable size."""
    loader = _Loader(text)
    try:
        document = loader.get_single_node()
        if document is None:
            return None
        count, depth = _size(file, document, {})
        if count > MAX_NODES:
            raise _fault(file, f"it stands for more than {MAX_NODES:,} values")
        if depth > MAX_DEPTH:
            raise _fault(file, TOO_DEEP)
        return loader.construct_document(document)
    except yaml.YAMLError as error:
        raise _fault(file, f"it cannot be read ({' '.join(str(error).split())})") from None


def _size(file: Path, node: yaml.Node, known: dict[yaml.Node, tuple[int, int] | None]) -> tuple[int, int]:
    """Number of values of a node, and of its levels, once its aliases are written out."""
    if node in known:
        found = known[node]
        if found is None:
            raise _fault(file, "one of its values contains itself")
        return found
    if node.tag not in PLAIN_TAGS:
        line = node.start_mark.line + 1
        raise _fault(file, f"line {line} asks for the type {node.tag}, where plain values are read alone")
    known[node] = None
    inner = node.value if isinstance(node, yaml.CollectionNode) else ()
    parts = (part for item in inner for part in (item if isinstance(item, tuple) else (item,)))
    sizes = [_size(file, part, known) for part in parts]
    known[node] = found = (
        1 + sum(count for count, _ in sizes),
        1 + max((deep for _, deep in sizes), default=0),
    )
    return found


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no mapping, with its dotted key; of what is swept, the keys are words."""
    if not isinstance(value, Mapping):
        yield key, value
        return
    for name, inner in value.items():
        yield from _leaves(inner, f"{key}.{name}" if key else str(name))


def _check_setting(file: Path, key: str, value: Any) -> None:
    if key.startswith(f"{PARAMS}."):
        allowed = not names_hydra(key.removeprefix(f"{PARAMS}."))
    elif key in FOLDERS:
        allowed = isinstance(value, str)
    else:
        allowed = key in VALUES and _is_plain(value)
    if not allowed and (value is not None or key not in (*VALUES, PARAMS)):
        raise _fault(file, f"a file from outside may not set hydra.{key}={value}")


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | int | float) or re.fullmatch(r"[\w.,:/@-]+", str(value)) is not None
