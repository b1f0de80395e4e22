"""The shapes of real models' parameters, without the models."""

from collections.abc import Callable
from math import prod

Shapes = list[tuple[int, ...]]


def resnet50() -> Shapes:
    """The 161 parameters of torchvision's resnet50: He et al. 2015, arXiv:1512.03385, table 1."""
    shapes: Shapes = [*convolution(3, 64, 7)]
    channels = 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(blocks):
            shapes += convolution(channels, width, 1)
            shapes += convolution(width, width, 3)
            shapes += convolution(width, 4 * width, 1)
            if block == 0:
                shapes += convolution(channels, 4 * width, 1)
            channels = 4 * width
    return [*shapes, (1000, channels), (1000,)]


def convolution(channels: int, filters: int, size: int) -> Shapes:
    """A convolution without bias, and the weight and bias of its batch normalization."""
    return [(filters, channels, size, size), (filters,), (filters,)]


def gpt2() -> Shapes:
    """The 148 parameters of GPT-2 small (12 layers, width 768): Radford et al. 2019, table 2."""
    width = 768
    norm: Shapes = [(width,), (width,)]
    attention: Shapes = [(width, 3 * width), (3 * width,), (width, width), (width,)]
    perceptron: Shapes = [(width, 4 * width), (4 * width,), (4 * width, width), (width,)]
    return [(50_257, width), (1024, width), *(norm + attention + norm + perceptron) * 12, *norm]


def many(count: int) -> Shapes:
    """Tensors of 16 elements: all overhead."""
    return [(16,)] * count


def elements(shapes: Shapes) -> int:
    """How many numbers these are."""
    return sum(map(prod, shapes))


assert (len(resnet50()), elements(resnet50())) == (161, 25_557_032)
assert (len(gpt2()), elements(gpt2())) == (148, 124_439_808)

MODELS: dict[str, Callable[[], Shapes]] = {"ResNet-50": resnet50, "GPT-2 small": gpt2}
