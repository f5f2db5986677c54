"""Running sums over networks: means of shares, and of logarithms over those whose gradient is not 0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dlmath.depth.engine.figures import Figures
    from dlmath.depth.engine.settings import DepthSettings


class Averages:
    """Running sums over networks, each added in its turn, so that blocks leave no trace in the last bit."""

    def __init__(self, settings: DepthSettings) -> None:
        self.depth = settings.depth
        self.count = self.alive = 0
        self.sums = np.zeros((4, settings.depth))  # of mean, variance, saturated, dead (4, L)
        self.log_variance = np.full(settings.depth, -np.inf)  # ln of the sum of variances
        self.log_gradient = np.zeros(settings.depth + 1)
        self.log_weight_gradient = np.zeros(settings.depth)
        self.log_norm = 0.0  # of all weight gradients together
        self.squares = np.zeros(settings.depth)  # of the layers' ln ratios
        self.log_ratios: list[float] = []

    def add(self, figures: Figures) -> None:
        """Add every network of `figures`."""
        for row in range(figures.mean.shape[1]):
            self._add_one(figures, row)

    def _add_one(self, figures: Figures, row: int) -> None:
        shares = (figures.mean, figures.variance, figures.saturated, figures.dead)
        with np.errstate(invalid="ignore"):  # signals beyond 1e308 of both signs have no mean: nan
            self.sums += [share[:, row] for share in shares]
            self.log_variance = np.logaddexp(self.log_variance, figures.log_variance[:, row])
        self.count += 1
        log_gradient = figures.log_gradient[:, row]
        whole = float(log_gradient[0] - log_gradient[-1])
        self.log_ratios.append(whole / self.depth)
        if whole == -math.inf:
            return
        self.alive += 1
        log_weight_gradient = figures.log_weight_gradient[:, row]
        self.log_gradient += log_gradient
        self.log_weight_gradient += log_weight_gradient
        self.log_norm += float(np.logaddexp.reduce(2 * log_weight_gradient)) / 2
        self.squares += np.square(np.diff(log_gradient))
