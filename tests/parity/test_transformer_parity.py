"""Attention and transformer layers: parameters, results, gradients and refusals of the same calls."""
from __future__ import annotations

import warnings

import pytest
from both import refusal

torch = pytest.importorskip("torch")
pytest.importorskip("torch.nn.attention")

import tapegrad  # noqa: E402

MODELS = {
    "attention": lambda t, **o: t.nn.MultiheadAttention(8, 2, dtype=t.float64, **o),
    "encoder layer": lambda t, **o: t.nn.TransformerEncoderLayer(8, 2, 16, 0.0, dtype=t.float64, **o),
    "decoder layer": lambda t, **o: t.nn.TransformerDecoderLayer(8, 2, 16, 0.0, dtype=t.float64, **o),
    "encoder": lambda t, **o: t.nn.TransformerEncoder(
        t.nn.TransformerEncoderLayer(8, 2, 16, 0.0, dtype=t.float64, **o), 2, t.nn.LayerNorm(8, dtype=t.float64)),
    "decoder": lambda t, **o: t.nn.TransformerDecoder(
        t.nn.TransformerDecoderLayer(8, 2, 16, 0.0, dtype=t.float64, **o), 2),
    "both": lambda t, **o: t.nn.Transformer(8, 2, 1, 2, 16, 0.0, dtype=t.float64, **o),
}
MASK = {"attention": "attn_mask", "encoder layer": "src_mask", "encoder": "mask"}


def run(t, name, options, call):
    t.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MODELS[name](t, **options)
    source, target = t.randn(3, 3, 8, dtype=t.float64), t.randn(3, 3, 8, dtype=t.float64)
    count = {"attention": 3, "encoder layer": 1, "encoder": 1}.get(name, 2)
    found = model(*(source, target, target)[:count], **call(t, name))
    found = tuple(f for f in found if f is not None) if isinstance(found, tuple) else (found,)
    total = sum((f * t.linspace(0.5, 2, f.numel(), dtype=f.dtype).view(f.shape)).sum() for f in found)
    gradients = t.autograd.grad(total, [*model.parameters()], allow_unused=True)
    return [(list(x.shape), x.detach().flatten().tolist()) for x in (*found, *model.state_dict().values(), *gradients)]


OPTIONS = {
    "plain": {}, "batch first": {"batch_first": True}, "no bias": {"bias": False}, "norm first": {"norm_first": True},
    "gelu": {"activation": "gelu"}, "biases": {"add_bias_kv": True, "add_zero_attn": True},
    "widths": {"kdim": 8, "vdim": 8},
}
CALLS = {
    "plain": lambda t, name: {},
    "mask": lambda t, name: {MASK.get(name, "tgt_mask"): t.nn.Transformer.generate_square_subsequent_mask(
        3, dtype=t.float64)},
    "padding": lambda t, name: {{"attention": "key_padding_mask", "encoder layer": "src_key_padding_mask",
                                 "encoder": "src_key_padding_mask"}.get(name, "tgt_key_padding_mask"):
                                t.tensor([[False, False, True], [False, True, True], [False, False, False]])},
}


def goes_with(name, options):
    """Whether a model has these options."""
    return options not in (("norm first", "gelu") if name == "attention" else ("biases", "widths"))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name, options", [(n, o) for n in MODELS for o in OPTIONS if goes_with(n, o)])
def test_models(name, options, call):
    ours, theirs = (run(t, name, OPTIONS[options], CALLS[call]) for t in (tapegrad, torch))
    assert [shape for shape, _ in ours] == [shape for shape, _ in theirs]
    for (_, one), (_, other) in zip(ours, theirs):
        assert one == pytest.approx(other, rel=1e-7, abs=1e-9)


TEXTS = """
N.MultiheadAttention(7,2)
N.MultiheadAttention(0,2)
N.MultiheadAttention(8,2)
[(n, p.shape) for n, p in N.MultiheadAttention(8,2,kdim=3,add_bias_kv=True).named_parameters()]
N.MultiheadAttention(8,2)(x,x,x,is_causal=True)[0]
N.TransformerEncoderLayer(8,2,16,activation='foo')
N.TransformerEncoderLayer(8,2,16)
[n for n,_ in N.TransformerDecoderLayer(8,2,16).named_children()]
[n for n,_ in N.Transformer(8,2,1,1,16).named_parameters()]
N.Transformer.generate_square_subsequent_mask(3)
N.Transformer(8,2,1,1,16)(x,x[:,:1])
N.Transformer(8,2,1,1,16)(x,x[...,:4])
N.TransformerEncoderLayer(8,2,16)(x,is_causal=True)
N.TransformerEncoderLayer(8,2,16)(x[0,0])
N.TransformerEncoder(N.TransformerEncoderLayer(8,2,16),2)
"""


@pytest.mark.parametrize("text", TEXTS.strip().splitlines())
def test_texts(text):
    def outcome(t):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = refusal(lambda: repr(eval(text, {"N": t.nn, "x": t.ones(5, 2, 8)})))
        return (found[0], found[1][:60]) if isinstance(found, tuple) else found

    assert outcome(tapegrad) == outcome(torch)


SHAPES = [(2, 3, 5, 4), (5, 4), (3, 1, 1), (1, 1, 6, 1), (2, 2, 2, 3, 4), (2, 0, 3, 4)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_attention_of_sequences_of_one_length(shape, turned, dtype):
    """One operation, however its operands lie; and its second derivatives."""
    def found(t):
        t.manual_seed(0)
        leaves = [t.randn(*shape, dtype=getattr(t, dtype), requires_grad=True) for _ in range(3)]
        given = [x.transpose(-2, -1) for x in leaves] if turned else leaves
        backends = t.nn.attention
        with backends.sdpa_kernel(backends.SDPBackend.MATH):  # the one of PyTorch's that has second derivatives
            out = t.nn.functional.scaled_dot_product_attention(*given, scale=-0.7 if turned else None)
        first = t.autograd.grad((out * out).sum(), leaves, create_graph=True)
        second = t.autograd.grad(sum((g * g).sum() for g in first), leaves)
        return [x.detach().numpy() for x in (out, *first, *second)]

    for ours, its in zip(found(tapegrad), found(torch)):
        assert ours.shape == its.shape
        scale = abs(its).max() if its.size else 0
        assert (abs(ours - its) <= (1e-4 if dtype == "float32" else 1e-9) * scale).all()
