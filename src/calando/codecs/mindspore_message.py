"""The protobuf messages of MindSpore's ``.ckpt`` files, made in code.

    message Checkpoint {
      repeated Value value = 1;
      message Value { required string tag = 1;  oneof value { TensorProto tensor = 2; MapTensorProto maptensor = 3; } }
    }
    message TensorProto {
      repeated int64 dims = 1;  required string tensor_type = 2;  required bytes tensor_content = 3;
    }
    message MapTensorProto { repeated TensorProto tensor = 1; }

They live in a pool of their own: MindSpore registers messages of the same names in the global one, and both
must be able to live in one process.

Source: the descriptor that mindspore 2.10 carries in ``mindspore.train.checkpoint_pb2``.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as _Field

_OPTIONAL, _REQUIRED, _REPEATED = _Field.LABEL_OPTIONAL, _Field.LABEL_REQUIRED, _Field.LABEL_REPEATED


def _field(name: str, number: int, label: int, kind: int, type_name: str = "", oneof: bool = False) -> _Field:
    """One field; ``oneof``: a member of the message's only oneof."""
    made = _Field(name=name, number=number, label=label, type=kind)
    if type_name:
        made.type_name = type_name
    if oneof:
        made.oneof_index = 0
    return made


def _described() -> descriptor_pb2.FileDescriptorProto:
    """The file ``checkpoint.proto``."""
    file = descriptor_pb2.FileDescriptorProto(name="checkpoint.proto", syntax="proto2")
    checkpoint = file.message_type.add(name="Checkpoint")
    checkpoint.field.append(_field("value", 1, _REPEATED, _Field.TYPE_MESSAGE, ".Checkpoint.Value"))
    value = checkpoint.nested_type.add(name="Value")
    value.oneof_decl.add(name="value")
    value.field.append(_field("tag", 1, _REQUIRED, _Field.TYPE_STRING))
    value.field.append(_field("tensor", 2, _OPTIONAL, _Field.TYPE_MESSAGE, ".TensorProto", oneof=True))
    value.field.append(_field("maptensor", 3, _OPTIONAL, _Field.TYPE_MESSAGE, ".MapTensorProto", oneof=True))
    tensor = file.message_type.add(name="TensorProto")
    tensor.field.append(_field("dims", 1, _REPEATED, _Field.TYPE_INT64))
    tensor.field.append(_field("tensor_type", 2, _REQUIRED, _Field.TYPE_STRING))
    tensor.field.append(_field("tensor_content", 3, _REQUIRED, _Field.TYPE_BYTES))
    table = file.message_type.add(name="MapTensorProto")
    table.field.append(_field("tensor", 1, _REPEATED, _Field.TYPE_MESSAGE, ".TensorProto"))
    return file


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_described())

Checkpoint = message_factory.GetMessageClass(_pool.FindMessageTypeByName("Checkpoint"))
TensorProto = message_factory.GetMessageClass(_pool.FindMessageTypeByName("TensorProto"))
