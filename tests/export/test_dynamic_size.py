"""Numbers as functions of a picture's sides, and one model from several."""

import numpy as np
import onnx
import onnxruntime
import pytest

from core.export import dynamic_size
from core.export.formula import fit
from core.export.writer import Writer
from core.hooks import Plane

PICTURE = Plane("x", 3)
AT = dynamic_size.sizes(8)


def _model(height, width, constants):
    """Adds up constants, each of which is a function of the sides, beside the picture."""
    write = Writer()
    for number, constant in enumerate(constants):
        write("Add", "x", constant(height, width), name=f"y{number}")
    outputs = [
        onnx.helper.make_tensor_value_info(f"y{n}", 1, (1, 3, height, width)) for n in range(len(constants))
    ]
    inputs = [onnx.helper.make_tensor_value_info("x", 1, (1, 3, height, width))]
    return write.model(inputs, outputs, "sums")


def _run(model, x):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda h, w: 7, "7"),
        (lambda h, w: 3 * h // 8, "3*height/8"),
        (lambda h, w: h * w // 64, "height*width/64"),
        (lambda h, w: (h + 4) * (w + 4), "16+4*height+4*width+height*width"),
        (lambda h, w: w - 1, "-1+width"),
        (lambda h, w: np.float32(2 / (w - 1)), "1/(-1/2+width/2)"),
    ],
)
def test_formula(function, text):
    assert str(fit([function(*size) for size in AT], AT)) == text


@pytest.mark.parametrize("function", [lambda h, w: h**2, lambda h, w: h % 3, lambda h, w: max(h, w)])
def test_no_formula(function):
    assert fit([function(*size) for size in AT], AT) is None


def test_constants_that_follow_the_sides():
    constants = [
        lambda h, w: np.float32([[[w / h]]]) * 0 + np.float32(1 / w),
        lambda h, w: (2 * np.arange(w, dtype=np.float32) / (w - 1) - 1).reshape(1, 1, w),
        lambda h, w: ((2 * np.arange(h, dtype=np.float32) + 1) / h - 1).reshape(1, h, 1),
        lambda h, w: np.full((h, w), 0.25, np.float32),
        lambda h, w: np.float32(0.5),
    ]
    general = dynamic_size.generalise([_model(*size, constants) for size in AT], AT, PICTURE)
    onnx.checker.check_model(general, full_check=True)
    for height, width in ((8, 8), (40, 24), (10, 23)):
        x = np.random.default_rng(0).random((1, 3, height, width), dtype=np.float32)
        for ours, theirs in zip(_run(general, x), _run(_model(height, width, constants), x), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    "constant",
    [
        lambda h, w: np.random.default_rng(h).random((h, w), dtype=np.float32),
        lambda h, w: np.square(np.arange(w, dtype=np.float32)),
        lambda h, w: np.float32(h**2),
    ],
)
def test_constants_that_follow_no_rule_are_refused(constant):
    models = [_model(*size, [constant]) for size in AT]
    with pytest.raises(dynamic_size.Unexplained, match=r"Add\.1"):
        dynamic_size.generalise(models, AT, PICTURE)


def test_other_operators_at_other_sizes_are_refused():
    models = [_model(*size, [lambda h, w: np.float32(1)] * (1 + (size[0] > 16))) for size in AT]
    with pytest.raises(dynamic_size.Unexplained, match="other operators"):
        dynamic_size.generalise(models, AT, PICTURE)
