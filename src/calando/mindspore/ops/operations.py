"""``mindspore.ops.operations``: the functions of ``ops`` as objects that are made first and called later."""

from typing import Any as _Any

from ..missing import missing as _missing
from ..network.primitives import Abs as Abs
from ..network.primitives import Add as Add
from ..network.primitives import AddN as AddN
from ..network.primitives import Assign as Assign
from ..network.primitives import AssignAdd as AssignAdd
from ..network.primitives import AssignSub as AssignSub
from ..network.primitives import Cast as Cast
from ..network.primitives import Cos as Cos
from ..network.primitives import Depend as Depend
from ..network.primitives import Div as Div
from ..network.primitives import DType as DType
from ..network.primitives import Equal as Equal
from ..network.primitives import Exp as Exp
from ..network.primitives import Fill as Fill
from ..network.primitives import Floor as Floor
from ..network.primitives import Greater as Greater
from ..network.primitives import GreaterEqual as GreaterEqual
from ..network.primitives import IsFinite as IsFinite
from ..network.primitives import Less as Less
from ..network.primitives import LessEqual as LessEqual
from ..network.primitives import Log as Log
from ..network.primitives import LogicalAnd as LogicalAnd
from ..network.primitives import LogicalNot as LogicalNot
from ..network.primitives import LogicalOr as LogicalOr
from ..network.primitives import MatMul as MatMul
from ..network.primitives import Maximum as Maximum
from ..network.primitives import Minimum as Minimum
from ..network.primitives import Mul as Mul
from ..network.primitives import Neg as Neg
from ..network.primitives import OnesLike as OnesLike
from ..network.primitives import Pow as Pow
from ..network.primitives import RealDiv as RealDiv
from ..network.primitives import Reciprocal as Reciprocal
from ..network.primitives import ReduceMean as ReduceMean
from ..network.primitives import ReduceSum as ReduceSum
from ..network.primitives import ReLU as ReLU
from ..network.primitives import Reshape as Reshape
from ..network.primitives import Rsqrt as Rsqrt
from ..network.primitives import Select as Select
from ..network.primitives import Shape as Shape
from ..network.primitives import Sigmoid as Sigmoid
from ..network.primitives import Sign as Sign
from ..network.primitives import Sin as Sin
from ..network.primitives import Sqrt as Sqrt
from ..network.primitives import Square as Square
from ..network.primitives import Sub as Sub
from ..network.primitives import Tanh as Tanh
from ..network.primitives import ZerosLike as ZerosLike
from ..network.updates import SGD as SGD
from ..network.updates import Adam as Adam
from ..network.updates import AdamWeightDecay as AdamWeightDecay
from ..network.updates import ApplyAdadelta as ApplyAdadelta
from ..network.updates import ApplyAdagrad as ApplyAdagrad
from ..network.updates import ApplyAdagradV2 as ApplyAdagradV2
from ..network.updates import ApplyAdaMax as ApplyAdaMax
from ..network.updates import ApplyAdamWithAmsgrad as ApplyAdamWithAmsgrad
from ..network.updates import ApplyAdamWithAmsgradV2 as ApplyAdamWithAmsgradV2
from ..network.updates import ApplyCenteredRMSProp as ApplyCenteredRMSProp
from ..network.updates import ApplyFtrl as ApplyFtrl
from ..network.updates import ApplyGradientDescent as ApplyGradientDescent
from ..network.updates import ApplyMomentum as ApplyMomentum
from ..network.updates import ApplyProximalAdagrad as ApplyProximalAdagrad
from ..network.updates import ApplyRMSProp as ApplyRMSProp


def __getattr__(name: str) -> _Any:
    raise _missing(__name__, name, [word for word in globals() if not word.startswith("_")])
