"""The words of PyTorch's errors that more than one room raises."""
from __future__ import annotations


class OutOfMemoryError(MemoryError, RuntimeError):
    """There is no memory for a value: Python's error for that, and PyTorch's."""


SPARSE_NUMPY = "can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first."
NO_STORAGE = "Cannot access data pointer of Tensor that doesn't have storage"
NOT_SPARSE = "{} expected {} tensor layout but got Strided"
NO_SPARSE = ("Could not run 'aten::{}' with arguments from the 'SparseCPU' backend: it is not written for sparse "
             "tensors. to_dense() gives a tensor that every operation takes.")
NO_MEMORY = ("DefaultCPUAllocator: can't allocate memory: you tried to allocate {} bytes. Error code 12 (Cannot "
             "allocate memory)")
IN_USE = "not enough memory: {} kinds of tensors, or of operations on them, are in use"
TAPE_FULL = "the tape is full: {} values are recorded or alive"
STORAGE_OVERFLOW = "Storage size calculation overflowed with sizes={}"
NEGATIVE_SIZE = "Trying to create tensor with negative dimension {}: {}"
NEGATIVE_STRIDES = "as_strided: Negative strides are not supported at the moment, got strides: {}"
NUMEL_OVERFLOW = "numel: integer multiplication overflow"
NO_GRAD_FN = "element {} of tensors does not require grad and does not have a grad_fn"
NON_SCALAR = "grad can be implicitly created only for scalar outputs"
SECOND_BACKWARD = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)
_MODIFIED = (
    "one of the variables needed for gradient computation has been modified by an inplace operation: "
    "[torch.{kind} {shape}]{output} is at version {found}; expected version {expected} instead. Hint: "
)
MODIFIED = _MODIFIED + (
    "enable anomaly detection to find the operation that failed to compute its gradient, with "
    "torch.autograd.set_detect_anomaly(True, check_nan=False)."
)
MODIFIED_BELOW = _MODIFIED + (
    "the backtrace further above shows the operation that failed to compute its gradient. The variable in question was "
    "changed in there or anywhere later. Good luck!"
)
LEAF_INPLACE = "a leaf Variable that requires grad is being used in an in-place operation."
VIEW_OF_LEAF_INPLACE = "a view of a leaf Variable that requires grad is being used in an in-place operation."
_VIEW_REMEDY = {
    "no_grad": (
        "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving "
        "both the view and the inplace either both inside the no_grad block (if you don't want the inplace to be "
        "tracked) or both outside (if you want the inplace to be tracked)."
    ),
    "inference": (
        "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving "
        "both the view and the inplace either both inside the inference_mode block (if you don't want the inplace to "
        "be tracked) or both outside (if you want the inplace to be tracked)."
    ),
    "multiple": (
        "This view is the output of a function that returns multiple views. Such functions do not allow the output "
        "views to be modified inplace. You should replace the inplace operation by an out-of-place one."
    ),
    "custom": (
        "This view was created inside a custom Function (or because an input was returned as-is) and the autograd "
        "logic to handle view+inplace would override the custom backward associated with the custom Function, leading "
        "to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom "
        "Function."
    ),
}


def view_written(kind: str, subject: str, indirectly: bool, remedy: str | None = None) -> str:
    """Why a write in place is refused: the view itself was written, or its base or another view of that."""
    written = " and its base or another view of its base has been" if indirectly else " and is being"
    mode = {"no_grad": " with grad mode enabled", "inference": " in normal mode"}.get(kind, "")
    return f"{subject}{written} modified inplace{mode}. {_VIEW_REMEDY[remedy or kind]}"


INFERENCE_KEPT = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
    "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in "
    "autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
)
INFERENCE_WRITTEN = (
    "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal "
    "tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
)
INFERENCE_REQUIRES = "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
INFERENCE_VERSION = "Inference tensors do not track version counter."
DETACH_VIEW = (
    "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, "
    "and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be "
    "called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in "
    "torch/optim/optimizer.py as the solution."
)
DETACHED = (
    "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().This is not supported, please "
    "use out-of-place `.detach()` instead"
)
OTHER_DATA = (
    "one of the variables needed for gradient computation ({}) has been given data of another shape or dtype since "
    "(`x.data = ...`): sizes and types must match"
)
WRITE_OVERLAP = (
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please "
    "clone() the tensor before performing the operation."
)
READ_OVERLAP = (
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
    "location. Please clone() the tensor before performing the operation."
)
TENSOR_OF_TENSOR = (
    "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than {}(sourceTensor)."
)
SEQUENCE_AS_INDEX = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use "
    "x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], "
    "which will result either in an error or a different result"
)
BYTES_AS_MASK = "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead."
UNUSED_INPUT = (
    "The differentiated Tensor at index {} appears to not have been used in the graph. Set allow_unused=True if this "
    "is the desired behavior."
)
OUT_RESIZED = (
    "An output with one or more elements was resized since it had shape {}, which does not match the required output "
    "shape {}. This behavior is deprecated, and in a future PyTorch release outputs will not be resized unless they "
    "have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero elements with "
    "t.resize_(0)."
)
BEYOND = "value cannot be converted to type {} without overflow"
ZERO_DIVISION = "ZeroDivisionError"  # PyTorch has the name and not the class
REQUIRES_GRAD_FLOAT = "Only Tensors of floating point and complex dtype can require gradients"
REQUIRES_GRAD_SWITCHED = "only Tensors of {} can require gradients"
NUMPY_REQUIRES_GRAD = "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
READ_ONLY_ARRAY = (
    "The given NumPy array is not writable, and tensors cannot be kept from being written to: a write to this tensor "
    "is undefined behavior. You may want to copy the array to protect its data or make it writable before converting "
    "it to a tensor."
)
NOT_SCALAR_ITEM = "a Tensor with {} elements cannot be converted to Scalar"
DEEPCOPY_NON_LEAF = (
    "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment. detach() "
    "a computed tensor before it is copied."
)
NON_LEAF_GRAD = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
    "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, "
    "use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the "
    "leaf Tensor instead."
)

C_NAMES = {"float32": "float", "float64": "double", "int64": "long int", "int32": "int", "int16": "short",
           "int8": "signed char", "uint8": "unsigned char", "bool": "bool",
           "float16": "c10::Half", "bfloat16": "c10::BFloat16"}
C_FIXED = {"int64": "int64_t", "int32": "int", "int16": "int16_t", "int8": "int8_t", "uint8": "uint8_t"}


HEAP_TYPE = 1 << 9  # of a class: made when a program runs, and not written in C


_OF_C = frozenset(("device", "dtype", "layout", "memory_format"))  # which are C types of PyTorch's


def type_name(value: object) -> str:
    """The name of a value's type as C has it: with its package, where it is a C type of one.

    >>> from collections import deque
    >>> type_name(3), type_name(deque())
    ('int', 'collections.deque')
    """
    kind = type(value)
    if kind.__name__ in _OF_C and kind.__module__.partition(".")[0] == __name__.partition(".")[0]:
        return f"torch.{kind.__name__}"
    bare = kind.__flags__ & HEAP_TYPE or kind.__module__ == "builtins"
    return kind.__name__ if bare else f"{kind.__module__}.{kind.__name__}"


def beyond(name: str) -> RuntimeError:
    """What is raised for a number that the dtype of this name cannot hold."""
    return RuntimeError(BEYOND.format(C_FIXED.get(name, name)))


NO_TANGENT = "Trying to use forward AD with {} that does not support it because it has not been implemented yet."
NO_DERIVATIVE = "derivative for aten::{} is not implemented"
KINDS = {"float32": "FloatTensor", "float64": "DoubleTensor", "int64": "LongTensor", "int32": "IntTensor",
         "int16": "ShortTensor", "int8": "CharTensor", "uint8": "ByteTensor", "bool": "BoolTensor",
         "float16": "HalfTensor", "bfloat16": "BFloat16Tensor"}
CREATE_GRAPH = (
    "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient "
    "which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you "
    "have to use this function, make sure to reset the .grad fields of your parameters to None after use to break the "
    "cycle and avoid the leak."
)
COMPLEX = "there are no complex tensors: {!r} is a name only"
NAME_ONLY = "there are no tensors of {!r}, which is a name only"
RANDOM_IN_BATCH = ("vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                   "'different' randomness flags on vmap or perform the randomness operation out of vmap")
LANES_ITEM = ("vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on "
              "a Tensor, please try to rewrite what you're doing with other operations.")
LANES_BRANCH = ("vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't "
                "support that yet.")
LANES_STORAGE = "Cannot access data pointer of Tensor that doesn't have storage"
LANES_IN_PLACE = ("vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` "
                  "in extra_args that has more elements than `self`. This happened due to `other` being vmapped over "
                  "but `self` not being vmapped over in a vmap. Please try to use out-of-place operators instead of "
                  "inplace arithmetic.")
LANES_BACKWARD = ("backward() called inside a functorch transform. This is not supported, please use functorch.grad or "
                  "functorch.vjp instead or call backward() outside of functorch transforms.")
LANES_SHAPES = ("vmap: We do not support batching operators that can output dynamic shape. Attempted to vmap over {}.")
LANES_MASK = ("vmap: We do not support batching operators that can support dynamic shape. Attempting to batch over "
              "indexing with a boolean mask.")
LANES_RANDOM = ("vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same "
                "randomness.")
LANES_SAME = "Vmap does not currently support same randomness with a batched tensor input."
LANES_ENDED = "vmap: a tensor is used that belongs to a batch whose vmap has ended"
LANES_SLOW = "There is a performance drop because we have not yet implemented the batching rule for {}."


class FunctionRaised(RuntimeError):
    """A function that Numba compiled raised an exception, or gave an array of another shape, inside of a kernel."""


class PerLane(RuntimeError):
    """The elements of a tensor are asked for that stands for a batch of them (`vmap`)."""
