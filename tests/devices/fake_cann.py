"""Empty libraries with CANN's names, so that MindSpore's Ascend part loads and its dry run starts without a card.

The dry run (``MS_SIMULATION_LEVEL=1``) compiles graphs for the card, selects a kernel for every operator and plans
memory; what it would launch it skips. The libraries only have to be found: nothing in them computes. Which functions
MindSpore asks for is read from its own libraries.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

VERSION = "8.5.0"
LIBRARIES = (
    *("ge_runner", "graph", "ascendcl", "msprofiler", "hccl", "runtime", "platform", "c_sec", "nnopbase"),
    *("ascend_hal", "opapi", "acl_op_compiler", "acl_tdt_channel", "acl_tdt_queue", "ascend_ml", "gmem"),
    *("parser_common", "profapi", "aoe_plugin", "opat"),
)
TOOLS = ("g++", "nm", "c++filt")

_WANTED = re.compile(r"(Hccl|_ZNK?2ge|acl|hal|rt)")
_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]{4,}(?=\0)")
_LOOKED_UP = re.compile(
    rb"(acl|Acl|Hccl|hccl|InitHuge|UnInit|ReleaseHuge|InitPTA|rt[A-Z]|ge[A-Z])[A-Za-z0-9]*"
)
"""Functions that MindSpore looks up by name when it runs."""
_TAILS = ("InitHugeMemThreadLocal",)
"""Likewise, of names that its libraries keep as the ends of longer ones."""

_HEAD = """#include <cstdint>
#include <map>
#include <new>
#include <string>
#include <vector>
static char handle[4096];
static void nothing() {}
static void* table[32] = {(void*)nothing, (void*)nothing, (void*)nothing, (void*)nothing};
// An object with virtual functions and one shared pointer, and one that is a shared pointer.
static void* operation(void* p) { void** f = (void**)p; f[0] = table; f[1] = f[2] = 0; return p; }
static void* plain(void* p) { void** f = (void**)p; f[0] = f[1] = 0; return p; }
static std::map<uint32_t, std::string>* errors() { static std::map<uint32_t, std::string> m; return &m; }
extern "C" {
"""
_VALUES = "TensorDesc|Shape|Tensor|AscendString|TensorType|Promote|GraphBuffer"
_BODIES = (
    (r"ge::StatusFactory::Instance", "return errors();"),
    (r"ge::(Operator::Operator|OperatorFactory::CreateOperator|Graph::Graph)\(", "return operation(r);"),
    (rf"ge::({_VALUES})::\1\(", "return plain(r);"),
    (
        r"ge::(Operator::GetOutputDesc|TensorDesc::Get(Origin)?Shape|Tensor::GetTensorDesc)",
        "return plain(r);",
    ),
    (r"ge::(Operator::Get(Name|OpType)|Graph::GetName)\(\) const", "return new (r) std::string();"),
    (r"ge::AscendString::GetString", 'return (void*)"";'),
    (r"ge::Shape::GetDims", "return new (r) std::vector<long>();"),
    (r"aclCreate", "return handle;"),
)


def build(folder: Path) -> Mapping[str, str]:
    """Make the libraries below ``folder``; returns the environment in which MindSpore finds them and runs dry."""
    root = folder / "cann"  # MindSpore wants this word in the path
    libraries = root / "lib64"
    libraries.mkdir(parents=True)
    source, made = root / "cann.cc", root / "cann.o"
    source.write_text(_source(_functions()))
    _run("g++", "-w", "-O0", "-fPIC", "-D_GLIBCXX_USE_CXX11_ABI=0", "-c", str(source), "-o", str(made))
    for name in LIBRARIES:
        library = f"lib{name}.so"
        _run("g++", "-shared", "-o", str(libraries / library), f"-Wl,-soname,{library}", str(made))
    (root / "compiler").mkdir()
    (root / "compiler" / "version.info").write_text(f"Version={VERSION}\n")
    package = root / "python" / "hccl"  # what joins processes asks for it
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "sys_version.py").write_text(f'__sys_version__ = "{VERSION}"\n')
    return {
        "ASCEND_HOME_PATH": str(root),
        "ASCEND_OPP_PATH": str(root / "opp"),
        "LD_LIBRARY_PATH": str(libraries),
        "PYTHONPATH": str(root / "python"),
        "MS_SIMULATION_LEVEL": "1",
    }


def _functions() -> list[str]:
    """Names of all functions that MindSpore's Ascend part takes from CANN."""
    plugin = _plugin()
    ascend = plugin / "ascend"
    asking = [plugin / "libmindspore_ascend.so.2", plugin / "libmindspore_ops_ascend.so"]
    asking += [*sorted(ascend.glob("*.so")), *sorted(ascend.rglob("libshmem.so"))]
    names = set(_TAILS)
    for library in asking:
        symbols = _run("nm", "-D", "--undefined-only", str(library)).splitlines()
        linked = {line.split()[-1].split("@")[0] for line in symbols}
        names |= {name for name in linked if _WANTED.match(name)}
        words = set(_WORD.findall(library.read_bytes()))
        looked_up = {word.decode() for word in words if _LOOKED_UP.fullmatch(word)}
        names |= looked_up | {f"{name}GetWorkspaceSize" for name in looked_up if name.startswith("aclnn")}
    return sorted(names)


def _plugin() -> Path:
    found = importlib.util.find_spec("mindspore")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / "lib" / "plugin"


def is_packed() -> bool:
    """Whether the installed MindSpore has its part for Ascend."""
    return (_plugin() / "libmindspore_ascend.so.2").is_file()


def _source(names: list[str]) -> str:
    readable = _run("c++filt", given="\n".join(names)).split("\n")
    lines = [
        f'void* f{number}(void* r) __asm__("{name}"); void* f{number}(void* r) {{ {_body(meaning)} }}'
        for number, (name, meaning) in enumerate(zip(names, readable, strict=True))
    ]
    return _HEAD + "\n".join(lines) + "\n}\n"


def _body(meaning: str) -> str:
    return next((body for pattern, body in _BODIES if re.match(pattern, meaning)), "return 0;")


def _run(*words: str, given: str | None = None) -> str:
    return subprocess.run(words, input=given, check=True, capture_output=True, text=True).stdout
