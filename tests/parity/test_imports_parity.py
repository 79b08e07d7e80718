"""Where programs import names from, beside the package itself: what PyTorch has there is here under the same name."""
from __future__ import annotations

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


    _C:_log_api_usage_once
    futures:Future torch_version:TorchVersion utils._foreach_utils:_group_tensors_by_device_and_dtype
    nn.parallel.scatter_gather:gather distributed:ReduceOp distributed:ProcessGroup
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


def test_functions_of_layers_by_their_inner_name():
    import tapegrad

    for library in (torch, tapegrad):
        x = library.tensor([-1.0, 2.0])
        assert library._C._nn.gelu(x).tolist() == library.nn.functional.gelu(x).tolist()
        with pytest.raises(AttributeError):
            library._C._nn.nothing_of_the_kind  # noqa: B018
