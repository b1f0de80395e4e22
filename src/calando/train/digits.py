"""Handwritten digits: 1797 grey images of 8 × 8 that scikit-learn ships (UCI, Alpaydin & Kaynak 1998).

The guide's network halves its image twice and then takes 5 × 5 places, so 8 × 8 is too small for it:
every pixel becomes 3 × 3 pixels, which gives 24 × 24 → 12 × 12 → 6 × 6 → 5 × 5. In training each image is
moved by up to ``MOST_SHIFT`` of those pixels in each epoch, since 1437 images alone are soon known by heart.
"""

from dataclasses import dataclass

import numpy as np

ENLARGED = 3  # pixels in a row that one pixel becomes
MOST_SHIFT = 2  # enlarged pixels up, down, left and right
TESTED = 360  # images that are never trained on
SPLIT_SEED = 0  # the same test images in every run, whatever its seed


@dataclass(frozen=True)
class Digits:
    """Standardised images, float32 (n, 1, 24, 24), and their digits, int64 (n,)."""

    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    def epoch(self, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """All training images in the order of one epoch, each moved a little, and their labels.

        It depends on seed and epoch alone, so a resumed run goes on exactly where it stopped.
        """
        random = np.random.default_rng((seed, epoch))
        order = random.permutation(len(self.labels))
        down, right = random.integers(0, 2 * MOST_SHIFT + 1, (2, len(order), 1, 1))
        side = np.arange(self.images.shape[-1])
        border = ((0, 0), (MOST_SHIFT, MOST_SHIFT), (MOST_SHIFT, MOST_SHIFT))
        framed = np.pad(self.images[order, 0], border, constant_values=self.images.min())
        moved = framed[np.arange(len(order))[:, None, None], down + side[:, None], right + side]
        return moved[:, None], self.labels[order]


def load() -> Digits:
    """The digits, split the same way in every run, each class in both parts as often as in all."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    small = pixels.reshape(-1, 1, 8, 8).astype(np.float32)
    large = small.repeat(ENLARGED, axis=2).repeat(ENLARGED, axis=3)
    train, test = train_test_split(np.arange(len(labels)), test_size=TESTED, stratify=labels, random_state=SPLIT_SEED)
    mean, spread = large[train].mean(), large[train].std()
    images, labels = (large - mean) / spread, labels.astype(np.int64)
    return Digits(images[train], labels[train], images[test], labels[test])
