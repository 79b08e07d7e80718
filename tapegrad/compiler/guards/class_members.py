"""Which members of a class code may get at, and which attributes it may not ask for."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tapegrad.autograd.function import Function
from tapegrad.compiler.guards import trusted_values

# Their meaning is not in memory that a replay renews, or they reach outside.
_HIDDEN_TEXT = """
    __builtins__ __doc__ __globals__ __module__ __name__ __qualname__ __subclasses__ __traceback__ __type_params__
    __weakref__ _base _buffer
    _memory _mro _version ag_frame cache_info cr_frame data_ptr f_back f_globals f_locals gi_frame grad_fn
    is_inference is_inference_mode_enabled next_functions random tb_frame untyped_storage
"""
HIDDEN = frozenset(_HIDDEN_TEXT.split())
OF_ARRAYS = {"__array_interface__", "ctypes", "dump", "dumps", "tofile"}  # the same of NumPy's arrays
# Options of this library: functions that ask for them or set them.
_OPTIONS = {"default_device", "get_num_threads", "get_printoptions", "is_inference", "is_inference_mode_enabled",
            "set_default_device", "set_num_threads", "set_printoptions"}
_OF_OPTIONS, _ASKING = ("tapegrad.switches", "tapegrad.amp.autocast_mode"), ("is_", "are_", "get_", "set_", "use_")
# Special methods that only some code can call: `text` of a value, of a class that instances are `made` of, or by name.
TEXT = {"__repr__", "__str__", "__format__"}
_MADE = {"__init__", "__new__", "__post_init__", "__del__", "__init_subclass__", "__set_name__", "__class_getitem__",
         "__subclasshook__", "__prepare__"}
_NAMED = {"__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__",
          "__sizeof__", "__dir__", "__deepcopy__", "__copy__", "__replace__", "__getinitargs__"}
# Layers make no layers of their own class, but for these, which are sliced or loaded: elsewhere `__init__` is run, and
# asked for by an `__init__`, where code that can be seen makes one.
_LAYERS, _MAKE_THEIR_OWN = "tapegrad.nn.modules.", {"container", "sparse"}
_ASKED_BY_APPLY = {"forward", "backward", "vjp", "setup_context"}


def is_option(function: Any) -> bool:
    """Whether a function of this library is about options, of which no condition tells."""
    name, home = function.__name__, function.__globals__["__name__"]
    return name in _OPTIONS or (home in _OF_OPTIONS and name.startswith(_ASKING))


def _unasked(cls: type, made: bool) -> tuple[str, ...]:
    home = trusted_values.module_of(cls)
    makes_none = home.startswith(_LAYERS) and home.removeprefix(_LAYERS) not in _MAKE_THEIR_OWN
    return ("__init__",) if makes_none and not made else ()


def members(cls: type, wanted: set[str], made: bool, text: bool, computed: bool) -> Iterator[tuple[type, str]]:
    """The classes among a class and its bases, and the names in them, that code can reach which asks for `wanted`.

    `made`: it may make instances; `text`: it makes texts of values; `computed`: it asks for names that are not known.
    """
    if issubclass(cls, Function):
        wanted = wanted | _ASKED_BY_APPLY
    if not trusted_values.is_class(cls):  # libraries ask it for what their own classes are asked for
        metaclass: Any = type(cls)
        for c in (*cls.__mro__, *metaclass.__mro__):
            if c.__flags__ & trusted_values.HEAP_TYPE and trusted_values.is_class(c):
                wanted = wanted | trusted_values.asks(c).difference(_unasked(c, made))
    skipped = (set() if text else TEXT) | (set() if made else _MADE) | _NAMED.difference(wanted)
    for c in cls.__mro__:
        held = vars(c)
        if not c.__flags__ & trusted_values.HEAP_TYPE:  # which nobody can change
            continue
        if trusted_values.is_class(c):
            names = wanted.intersection(held)
            # The library's own code, which nobody reads, may ask for any: `forward`, as a layer is called.
            names.update(n for n in trusted_values.patched(c) if computed or n not in _unasked(c, made))
        else:
            names = set(held) if computed else wanted.intersection(held)
            names.update(n for n, value in held.items() if trusted_values.is_special(n, value) and n not in skipped)
        for name in sorted(names - {"__dict__", "__weakref__"}):
            yield c, name
