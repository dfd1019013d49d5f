"""Numbers as formulas of a picture's height and width; more of them in test_dynamic_size.py."""

from fractions import Fraction

import pytest

from core.export.formula import Formula, fit

AT = [(64, 128), (128, 128), (64, 192), (128, 192), (192, 320)]
"""A grid of four sizes, and one that confirms."""


@pytest.mark.parametrize(
    ("terms", "inverse", "text"),
    [
        ((0, 0, 0, 0), False, "0"),
        ((-1, 0, 0, 0), False, "-1"),
        ((Fraction(1, 2), Fraction(-1, 64), 0, 0), False, "1/2-height/64"),
        ((0, 0, 0, Fraction(3, 256)), False, "3*height*width/256"),
        ((1, 0, Fraction(1, 16), 0), True, "1/(1+width/16)"),
    ],
)
def test_what_it_computes_it_finds_again(terms, inverse, text):
    formula = Formula(tuple(map(Fraction, terms)), inverse)
    assert str(formula) == text
    assert fit([formula.at(size) for size in AT], AT) == formula


def test_values_are_those_of_the_size():
    assert Formula((Fraction(1), Fraction(1, 2), Fraction(0), Fraction(1, 8))).at((4, 6)) == 1 + 2 + 3
    assert Formula((Fraction(0), Fraction(1), Fraction(0), Fraction(0)), inverse=True).at((4, 6)) == 0.25


def test_the_fifth_size_decides():
    values = [float(height) for height, _ in AT]
    assert str(fit(values, AT)) == "height"
    assert fit([*values[:4], values[4] + 1], AT) is None


def test_float32_is_exact_enough():
    third = [round(height / 3, 5) for height, _ in AT]
    assert str(fit(third, AT)) == "height/3"
