"""The network room: MindSpore's Cell, Parameter, Tensor, layers and gradients on torch autograd.

It is as wide as MindSpore's guide and calando's own pages need, and no wider:

    dtype  initializer  tensor  parameter  cell     what a network is made of
    layers/  losses  schedule                       what users build and subclass
    operations  primitives                          functions on tensors, and the same as objects
    composite                                       functions of functions: HyperMap, GradOperation
    grad  seed  context                             what training asks for, and settings
    wrap  scaling                                   one training step as a Cell, without and with a loss scale

Nothing here imports MindSpore. Numbers, names and shapes were compared with MindSpore 2.10 on CPU; the
docstring of each thing says where it differs.
"""

from ...needs import need as _need

_need("torch", what="a Tensor, Parameter or Cell of calando.mindspore", extra="torch")
