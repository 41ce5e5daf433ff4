"""Files as torch.save writes them, without PyTorch: its pickle names classes and functions, which here are stand-ins of
the same names, and its tensors lie beside it in a zip file."""
import collections
import io
import pickle
import struct
import sys
import types
import zipfile

CODES = {"FloatStorage": "f", "HalfStorage": "e", "DoubleStorage": "d"}


def stand_in(module, name, made=None):
    """A class or function that pickles by this name."""
    made = made or type(name, (), {})
    made.__module__, made.__qualname__, made.__name__ = module, name, name
    parts = module.split(".")
    for i in range(len(parts)):
        sys.modules.setdefault(".".join(parts[:i + 1]), types.ModuleType(parts[i]))
    setattr(sys.modules[module], name, made)
    return made


class Storage:
    def __init__(self, kind, data):
        self.kind, self.data = kind, data


class Tensor:
    """Of some shape, packed or with strides, over a storage that others may share."""

    def __init__(self, storage, shape, strides=None, offset=0):
        self.storage, self.shape, self.offset = storage, tuple(shape), offset
        if strides is None:
            strides, step = [], 1
            for n in reversed(self.shape):
                strides.insert(0, step)
                step *= n
        self.strides = tuple(strides)

    def __reduce__(self):
        return REBUILD, (self.storage, self.offset, self.shape, self.strides, False, collections.OrderedDict())


def tensor(shape, values, kind="FloatStorage"):
    return Tensor(Storage(kind, struct.pack(f"<{len(values)}{CODES[kind]}", *values)), shape)


class Pickler(pickle.Pickler):
    def __init__(self, file, storages):
        super().__init__(file, protocol=2)
        self.storages = storages

    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        key = self.storages.setdefault(id(obj), (str(len(self.storages)), obj))[0]
        size = struct.calcsize(CODES[obj.kind])
        return "storage", KINDS[obj.kind], key, "cpu", len(obj.data) // size


def save(path, value):
    names = {name: sys.modules.pop(name) for name in list(sys.modules) if name == "torch" or name.startswith("torch.")}
    try:        # not the real one, where there is one
        global REBUILD, KINDS
        REBUILD = stand_in("torch._utils", "_rebuild_tensor_v2", lambda *args: None)
        KINDS = {kind: stand_in("torch", kind) for kind in CODES}
        storages, text = {}, io.BytesIO()
        Pickler(text, storages).dump(value)
    finally:
        for name in [n for n in sys.modules if n == "torch" or n.startswith("torch.")]:
            del sys.modules[name]
        sys.modules.update(names)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
        out.writestr("archive/data.pkl", text.getvalue())
        out.writestr("archive/byteorder", "little")
        for key, storage in storages.values():
            out.writestr(f"archive/data/{key}", storage.data)
        out.writestr("archive/version", "3\n")
