"""Accelerator cards: whether MindSpore can use them here, why not, and what of them decides results.

MindSpore's package holds a part for each kind of card. At import it loads those whose toolkit it finds, CANN for
Ascend and CUDA for GPU, and keeps to itself why it did not load another; here that is said.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from core.errors import DeviceError

_TOOLKITS = {"Ascend": "CANN's libraries", "GPU": "the libraries of CUDA and cuDNN"}
"""Libraries that a card's part of MindSpore needs, beside the card's driver."""
_PLUGINS = {"Ascend": "libmindspore_ascend.so*", "GPU": "libmindspore_gpu.so*"}
_DRIVER = "libascend_hal"
_SCRIPTS = ("/usr/local/Ascend/ascend-toolkit/set_env.sh", "/usr/local/Ascend/cann/set_env.sh")
"""Scripts that set CANN's environment, where its installer puts them for all users."""
_NOT_LOADED = re.compile(r"Load dynamic library: (\S+) failed\. (.*)")
_FIRST_GENERATION = "ascend910"
"""MindSpore's name of chips whose convolutions compute in float16 alone."""


def require(target: str) -> None:
    """Raises `DeviceError` where MindSpore cannot use a card of this kind here."""
    if not available(target):
        raise DeviceError(
            f"device={target.lower()} is not here: {what_is_missing(target)}, or type device=cpu."
        )


def available(target: str) -> bool:
    """Whether this MindSpore can compute on ``Ascend`` or ``GPU`` here."""
    return bool(_context(target).is_available())


def _context(target: str) -> Any:
    """MindSpore's module about cards of this kind."""
    from mindspore import device_context

    return {"Ascend": device_context.ascend, "GPU": device_context.gpu}[target]


def what_is_missing(target: str) -> str:
    """Why MindSpore cannot use a card of this kind here, and what to do about it."""
    import mindspore as ms

    if not _is_packed(target):
        return f"this MindSpore {ms.__version__} has no part for {target}: install a package that has"
    reason = _reason(target) or f"{_TOOLKITS[target]} are not found"
    return (
        f"this MindSpore {ms.__version__} has its part for {target}, which does not load ({reason}): "
        f"{_cure(target, reason)} and try again"
    )


def _is_packed(target: str) -> bool:
    import mindspore as ms

    return any((Path(ms.__file__).parent / "lib" / "plugin").glob(_PLUGINS[target]))


def _reason(target: str) -> str:
    """The reason that MindSpore noted when it could not load its part for a card; empty where it did not try."""
    for library, reason in _NOT_LOADED.findall(_read_notes()):
        if library.startswith(_PLUGINS[target].rstrip("*")):
            return str(reason).strip()
    return ""


def _read_notes() -> str:
    """The text that MindSpore wrote at its import about parts that it could not load."""
    from mindspore._c_expression import MSContext

    return str(MSContext.get_instance().load_plugin_error())


def _cure(target: str, reason: str) -> str:
    if target == "GPU":
        return (
            "put CUDA 11.6 with cuDNN 8.5, or CUDA 11.1 with cuDNN 8.0, on LD_LIBRARY_PATH and nvcc on PATH"
        )
    if _DRIVER in reason:
        return (
            "install the card's driver, or put its folder (/usr/local/Ascend/driver/lib64) on LD_LIBRARY_PATH"
        )
    scripts = [path for path in _SCRIPTS if Path(path).is_file()]
    return f"type `source {(scripts or _SCRIPTS)[0]}` (CANN {', '.join(accepted_cann())})"


def accepted_cann() -> list[str]:
    """The versions of CANN that this MindSpore was made for, as ``8.5``."""
    from mindspore.run_check._check_version import AscendEnvChecker

    return list(AscendEnvChecker(None).version)


def cann() -> str:
    """The version of CANN whose environment is set, as ``8.5.0``; empty where it cannot be told."""
    try:
        path = Path(os.environ["ASCEND_HOME_PATH"]) / "compiler" / "version.info"
        found = re.search(r"^Version=(\S+)", path.read_text("utf-8", "replace"), re.MULTILINE)
    except (KeyError, OSError):
        return ""
    return found[1] if found else ""


def doubt_of_cann() -> str:
    """One sentence where the version of CANN is none that this MindSpore was made for; else empty."""
    import mindspore as ms

    version, accepted = cann(), accepted_cann()
    if version and ".".join(version.split(".")[:2]) in accepted:
        return ""
    here = f"CANN {version} is here" if version else "the version of CANN cannot be told"
    return f"{here}; MindSpore {ms.__version__} was made for {', '.join(accepted)}."


def count(target: str) -> int:
    """Cards of this kind that MindSpore sees."""
    return int(_context(target).device_count())


def chip(target: str, device_id: int | None) -> str:
    """The card's name, as ``Ascend910B3``; ``no card`` in a dry run."""
    import mindspore as ms

    if not count(target):
        return "no card"
    return str(ms.hal.get_device_name(device_id or 0, target))


def is_first_generation() -> bool:
    """Whether the Ascend chip convolves in float16 alone (910A and its kin)."""
    from mindspore._c_expression import MSContext

    return bool(MSContext.get_instance().get_ascend_soc_version() == _FIRST_GENERATION)


def software(target: str) -> str:
    """Versions of the libraries that compute on a card."""
    if target == "Ascend":
        return f"CANN {cann() or 'of unknown version'}"
    return ", ".join(f"{name} {version or 'of unknown version'}" for name, version in _cuda().items())


def _cuda() -> dict[str, str]:
    """Versions of CUDA and cuDNN as the file names of what this process has loaded tell them."""
    try:
        loaded = Path("/proc/self/maps").read_text("utf-8", "replace")
    except OSError:
        loaded = ""
    names = {"CUDA": "libcudart", "cuDNN": "libcudnn"}
    found = {
        name: re.search(rf"/{library}\.so\.([\d.]+)$", loaded, re.MULTILINE)
        for name, library in names.items()
    }
    return {name: match[1] if match else "" for name, match in found.items()}
