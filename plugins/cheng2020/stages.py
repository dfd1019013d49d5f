"""The network in the pieces that a codec runs: each is compiled once for a size, and shared by encoder and decoder."""

from __future__ import annotations

from mindspore import Tensor

from core.nn.stage import Stage


class Analysis(Stage):
    """A picture, N,3,H,W, to its latent y, N,C,H/16,W/16, and the symbols of z, N,C,H/64,W/64."""

    def construct(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        y = self.network.analysis(picture)
        return y, self.network.prior.hyper_symbols(y)


class Side(Stage):
    """The symbols of z to what they tell of y."""

    def construct(self, z_symbols: Tensor) -> Tensor:
        return self.network.prior.side(z_symbols)


class Synthesis(Stage):
    """The decoded latent to the picture."""

    def construct(self, y_hat: Tensor) -> Tensor:
        return self.network.synthesis(y_hat)


class Information(Stage):
    """Symbols of z, distances of y from its means, and scales to what they cost, in bits (scalar)."""

    def construct(self, z_symbols: Tensor, deviation: Tensor, scales: Tensor) -> Tensor:
        return self.network.prior.information(z_symbols, deviation, scales)
