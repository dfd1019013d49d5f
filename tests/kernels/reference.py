"""Convolutions and their gradients in NumPy, in the precision of their inputs: one kernel position after the other."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Case:
    """An ordinary or transposed convolution of a batch of two; padding is top, bottom, left, right."""

    inputs: int
    outputs: int
    kernel: tuple = (3, 3)
    size: tuple = (9, 11)
    stride: tuple = (1, 1)
    padding: tuple = (0, 0, 0, 0)
    dilation: tuple = (1, 1)
    groups: int = 1
    transposed: bool = False

    def __str__(self):
        kind = "transposed " if self.transposed else ""
        return (
            f"{kind}{self.inputs}->{self.outputs} k{self.kernel} s{self.stride} p{self.padding} "
            f"d{self.dilation} g{self.groups}"
        )

    def arrays(self):
        """x, weight, bias and a gradient of the result, of standard normal numbers in float64."""
        rng = np.random.default_rng(3)
        weight = (self.inputs, self.outputs) if self.transposed else (self.outputs, self.inputs)
        shapes = (
            (2, self.inputs, *self.size),
            (weight[0], weight[1] // self.groups, *self.kernel),
            (self.outputs,),
            (2, self.outputs, *self.result_size()),
        )
        # float32 numbers, so that the reference sees what the kernels see
        return [rng.standard_normal(shape).astype(np.float32).astype(np.float64) for shape in shapes]

    def result_size(self):
        sizes = []
        for axis in range(2):
            reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1
            padding = self.padding[2 * axis] + self.padding[2 * axis + 1]
            if self.transposed:
                sizes.append((self.size[axis] - 1) * self.stride[axis] + reach - padding)
            else:
                sizes.append((self.size[axis] + padding - reach) // self.stride[axis] + 1)
        return tuple(sizes)

    def forward(self, x, weight, bias):
        result = np.zeros((2, self.outputs, *self.result_size()), x.dtype)
        if self.transposed:
            self._spread(x, weight, result)
        else:
            self._gather(x, weight, result)
        return result + bias[:, None, None]

    def gradients(self, x, weight, dout):
        """Gradients of x, weight and bias."""
        dx, dweight = np.zeros_like(x), np.zeros_like(weight)
        if self.transposed:
            self._gather(dout, weight, dx)
            self._correlate(dout, x, dweight)
        else:
            self._spread(dout, weight, dx)
            self._correlate(x, dout, dweight)
        return dx, dweight, dout.sum((0, 2, 3))

    def terms(self):
        """How many products a number of the result, of x's gradient and of weight's is the sum of, at most."""
        taps = self.kernel[0] * self.kernel[1]
        pixels = self.size if self.transposed else self.result_size()
        return (
            self.inputs // self.groups * taps + 1,
            self.outputs // self.groups * taps,
            2 * pixels[0] * pixels[1],
        )

    def _positions(self, large, small):
        """For every kernel position the pixels of the large picture under it; the borders are cut by the caller."""
        for row in range(self.kernel[0]):
            for column in range(self.kernel[1]):
                top, left = row * self.dilation[0], column * self.dilation[1]
                rows = slice(top, top + (small.shape[2] - 1) * self.stride[0] + 1, self.stride[0])
                columns = slice(left, left + (small.shape[3] - 1) * self.stride[1] + 1, self.stride[1])
                yield row, column, rows, columns

    def _padded(self, large):
        """With a border that is wide enough for every kernel position."""
        after = 64
        top, left = self.padding[0], self.padding[2]
        return np.pad(large, ((0, 0), (0, 0), (top, after), (left, after)))

    def _grouped(self, picture):
        batch, channels, height, width = picture.shape
        return picture.reshape(batch, self.groups, channels // self.groups, height, width)

    def _kernels(self, weight):
        return weight.reshape(self.groups, -1, *weight.shape[1:])

    def _gather(self, large, weight, small):
        padded = self._padded(large)
        for row, column, rows, columns in self._positions(padded, small):
            taps = self._kernels(weight)[..., row, column]
            under = self._grouped(padded[:, :, rows, columns])
            small += np.einsum("goi,ngihw->ngohw", taps, under).reshape(small.shape)

    def _spread(self, small, weight, large):
        padded = self._padded(large)
        for row, column, rows, columns in self._positions(padded, small):
            taps = self._kernels(weight)[..., row, column]
            spread = np.einsum("goi,ngohw->ngihw", taps, self._grouped(small))
            padded[:, :, rows, columns] += spread.reshape(padded[:, :, rows, columns].shape)
        top, left = self.padding[0], self.padding[2]
        large += padded[:, :, top : top + large.shape[2], left : left + large.shape[3]]

    def _correlate(self, large, small, weight):
        padded = self._padded(large)
        for row, column, rows, columns in self._positions(padded, small):
            under = self._grouped(padded[:, :, rows, columns])
            products = np.einsum("ngihw,ngohw->goi", under, self._grouped(small))
            self._kernels(weight)[..., row, column] += products
