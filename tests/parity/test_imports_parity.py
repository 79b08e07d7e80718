"""Where programs import names from, beside the package itself: what PyTorch has there is here under the same name."""
from __future__ import annotations

import importlib

import pytest

torch = pytest.importorskip("torch")

IMPORTS = """
    optim.adam:Adam optim.adamw:AdamW optim.sgd:SGD optim.rmsprop:RMSprop optim.adagrad:Adagrad optim.adadelta:Adadelta
    optim.adamax:Adamax optim.asgd:ASGD optim.nadam:NAdam optim.radam:RAdam optim.rprop:Rprop optim.lbfgs:LBFGS
    optim.sparse_adam:SparseAdam optim.optimizer:Optimizer hub:load_state_dict_from_url hub:get_dir
    utils.model_zoo:load_url utils.dlpack:from_dlpack multiprocessing:spawn
    multiprocessing:Process multiprocessing:Queue multiprocessing:set_start_method multiprocessing:ProcessContext
    multiprocessing:set_sharing_strategy distributed:is_available distributed:is_initialized distributed:get_rank
    functional:F functional:Tensor functional:einsum functional:norm functional:split types:Number types:Device
    types:_size _C:device _C:dtype _C:Size _C:Generator _C:is_grad_enabled _C:_get_tracing_state
    _C:_log_api_usage_once _dynamo:disable _dynamo:reset _dynamo:allow_in_graph _dynamo:graph_break
    _dynamo:mark_dynamic _dynamo:optimize _dynamo:is_compiling
    futures:Future torch_version:TorchVersion utils._foreach_utils:_group_tensors_by_device_and_dtype
    nn.parallel.scatter_gather:gather distributed:ReduceOp distributed:ProcessGroup
    _C:_set_grad_enabled cuda.amp.grad_scaler:GradScaler cuda.amp.grad_scaler:OptState
    cuda.amp.autocast_mode:autocast cuda.amp.autocast_mode:custom_fwd cuda.nvtx:range_pop _logging:set_logs
    _dynamo:mark_static _inductor:config onnx:export jit:TracerWarning
    jit:ScriptFunction nn.parallel:data_parallel nn.parallel:parallel_apply utils.checkpoint:check_backward_validity
    utils.checkpoint:set_device_states utils.checkpoint:detach_variable nn.modules.transformer:_get_clones
"""


@pytest.mark.parametrize("text", IMPORTS.split())
def test_it_is_imported_from_there(text):
    module, name = text.split(":")

    def found(library):
        made = {}
        exec(f"from {library}.{module} import {name}", made)
        return getattr(made[name], "__name__", "").replace("tapegrad", "torch")

    assert found("tapegrad") == found("torch")


def test_of_a_group_that_is_not_there():
    import tapegrad

    for library in (torch, tapegrad):
        assert not library.distributed.is_initialized()
        with pytest.raises(ValueError, match="Default process group has not been initialized"):
            library.distributed.get_rank()


@pytest.mark.parametrize("name", ["torch", "tapegrad"])
def test_the_compilers_former_place(name):
    """Programs set what PyTorch's compiler is to do; a function that it is to leave alone is the same function."""
    library = pytest.importorskip(name)
    dynamo, x = library._dynamo, library.ones(2)
    limit = dynamo.config.cache_size_limit
    dynamo.config.cache_size_limit = 2 * limit
    assert dynamo.config.cache_size_limit == 2 * limit > 0
    dynamo.config.cache_size_limit = limit
    dynamo.reset()
    dynamo.mark_dynamic(x, 0)

    @dynamo.disable
    def doubled(x):
        dynamo.graph_break()
        return 2 * x

    assert doubled(x).tolist() == [2, 2] and doubled.__name__ == "doubled"
    assert dynamo.optimize("eager")(lambda x: x + 1)(x).tolist() == [2, 2]


TO = ["", "t.float64", "'cpu'", "'cpu', t.float32, True", "t.ones(1)", "dtype=t.float16", "'x'", "dtype=3",
      "'cpu', memory_format=t.channels_last"]


@pytest.mark.parametrize("given", TO)
def test_what_copies_of_to_parse(given):
    import tapegrad

    def told(library):
        try:
            found = eval(f"t._C._nn._parse_to({given})", {"t": library})
        except Exception as e:
            return type(e).__name__
        return [str(x) for x in found]

    assert told(tapegrad) == told(torch)


CONDITIONS = [(name, args) for name in (
    "_check", "_check_value", "_check_type", "_check_index", "_check_not_implemented", "_check_tensor_all", "_assert",
    "_assert_async") for args in ("False", "True", "True, 'm'", "False, 'm'", "False, lambda: 'told'", "0",
                                  "t.tensor(False)", "t.tensor(True)", "t.tensor([True, False]), lambda: 'told'",
                                  "t.tensor([True, True]), lambda: 'told'")]


@pytest.mark.parametrize(("name", "args"), CONDITIONS)
def test_conditions(name, args):
    import tapegrad

    def told(t):
        try:
            return eval(f"t.{name}({args})", {"t": t})
        except Exception as error:
            return type(error), str(error).partition(" at 0x")[0].replace("tapegrad", "torch")

    assert told(tapegrad) == told(torch)


def test_functions_of_layers_by_their_inner_name():
    import tapegrad

    for library in (torch, tapegrad):
        x = library.tensor([-1.0, 2.0])
        assert library._C._nn.gelu(x).tolist() == library.nn.functional.gelu(x).tolist()
        with pytest.raises(AttributeError):
            library._C._nn.nothing_of_the_kind  # noqa: B018


KINDS = """
    [1,2]|list[int] [1,'a']|list[int] []|list[str] {}|dict[str,int] {'a':1}|dict[str,int] {'a':1}|dict[str,str]
    (1,'a')|tuple[int,str] (1,)|tuple[int,str] 1|int 1|float 1|(int,str) None|Optional[int] 'a'|Optional[int]
    3|Optional[int] [[1]]|list[list[int]] [['a']]|list[list[int]]
"""


@pytest.mark.parametrize("text", KINDS.split())
def test_types_of_what_is_held(text):
    from typing import Optional

    import tapegrad

    given, kind = (eval(part, {"Optional": Optional}) for part in text.split("|"))
    assert tapegrad.jit.isinstance(given, kind) == torch.jit.isinstance(given, kind)


PASSING = """
    t._dynamo.is_compiling() t._dynamo.config.cache_size_limit t._dynamo.config.suppress_errors
    t._dynamo.disable(len)('ab') t._dynamo.reset() t._dynamo.graph_break() t._dynamo.mark_dynamic(t.ones(2),0)
    t._inductor.config.coordinate_descent_tuning t._inductor.config.triton.unique_kernel_names
    t.onnx.is_in_onnx_export() t.cfloat==t.complex64 t.cdouble==t.complex128
    t.utils.checkpoint.get_device_states(t.ones(2)) t.utils.checkpoint.detach_variable((1,t.ones(2)))[0]
    t._C._jit_set_profiling_mode(True) t._C._jit_override_can_fuse_on_gpu(True) t._C._is_tracing()
    t.jit.onednn_fusion_enabled() t.jit.wait(t.jit.fork(len,'abc'))
    t.jit.trace_module(t.nn.ReLU(),{'forward':t.ones(1)}).training
    t._utils._flatten_dense_tensors([t.ones(2,2),t.zeros(1)]).tolist()
    [x.tolist()for(x)in(t._utils._unflatten_dense_tensors(t.arange(5.),[t.ones(2,2),t.zeros(1)]))]
    t._VF.lstm_cell(t.ones(1,2),(t.ones(1,1),t.ones(1,1)),t.ones(4,2),t.ones(4,1))[0].shape
    t.cuda.nvtx.range_push('a') t.cuda._lazy_init()
    t.cuda.set_per_process_memory_fraction(0.5) t.cuda.device_of(t.ones(2)).__enter__()
    t.nn.modules.transformer._get_activation_fn('tanh') len(t.nn.modules.transformer._get_clones(t.nn.ReLU(),3))
    t.utils._pytree.tree_leaves(t.Size([1,2])) type(t.utils._pytree.tree_map(abs,t.Size([1,2]))).__name__
    t.utils.checkpoint.detach_variable([1]) t.onnx.export(t.nn.ReLU(),(t.ones(2),),'m.onnx')
"""


@pytest.mark.parametrize("text", PASSING.split())
def test_what_is_touched_in_passing(text):
    import tapegrad

    def told(t):
        try:
            with t._dynamo.config.patch(suppress_errors=False):
                return eval(text, {"t": t})
        except Exception as error:
            return type(error), str(error).partition(": tapegrad")[0]

    importlib.import_module("tapegrad._dynamo.config")
    for name in ("_dynamo", "_inductor.config", "onnx", "cuda.nvtx"):
        importlib.import_module(f"torch.{name}")
    mine, theirs = told(tapegrad), told(torch)
    assert mine == theirs
