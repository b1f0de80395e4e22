"""``mindspore.ops.operations``: the functions of ``ops`` as objects that are made first and called later."""

from ..network.primitives import Add as Add
from ..network.primitives import Assign as Assign
from ..network.primitives import Cast as Cast
from ..network.primitives import Cos as Cos
from ..network.primitives import Div as Div
from ..network.primitives import Exp as Exp
from ..network.primitives import Floor as Floor
from ..network.primitives import Maximum as Maximum
from ..network.primitives import Minimum as Minimum
from ..network.primitives import Mul as Mul
from ..network.primitives import Pow as Pow
from ..network.primitives import Sub as Sub
