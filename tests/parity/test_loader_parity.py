"""`utils.data` beside PyTorch's: samples and their order for a seed, batches, states of generators, errors."""
import collections
import inspect
import warnings

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")
BOTH = (tapegrad, torch)
Point = collections.namedtuple("Point", "x y")


def plain(value):
    """A batch in terms that both libraries share: tensors as dtype, shape and numbers."""
    if hasattr(value, "requires_grad"):
        return str(value.dtype), tuple(value.shape), value.tolist()
    if isinstance(value, dict):
        return type(value).__name__, {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, collections.deque)):
        return type(value).__name__, [plain(part) for part in value]
    if isinstance(value, np.ndarray):
        return "array", value.tolist()
    return value


def both(program):
    found = []
    for t in BOTH:
        t.manual_seed(7)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(plain(program(t, t.utils.data)))
            found[-1] = found[-1], t.rand(1).item()  # the generator is where PyTorch's is
    return found


def columns(t, n=11):
    return t.arange(n), t.arange(2.0 * n).reshape(n, 2)


def rows(d, t, n=11):
    return d.TensorDataset(*columns(t, n))


class Squares:
    def __init__(self, n):
        self.n = n

    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError(i)
        return i, float(i) ** 2, {"name": str(i), "point": Point(i, -i)}, np.full(2, i, "float32"), [i, i + 1]

    def __len__(self):
        return self.n


def stream(d, n):
    class Stream(d.IterableDataset):
        def __iter__(self):
            return iter(range(n))

        def __len__(self):
            return n

    return Stream()


LOADERS = {
    "plain": lambda t, d: d.DataLoader(rows(d, t)),
    "batches": lambda t, d: d.DataLoader(rows(d, t), batch_size=4),
    "dropped": lambda t, d: d.DataLoader(rows(d, t), 4, drop_last=True),
    "shuffled": lambda t, d: d.DataLoader(rows(d, t), batch_size=3, shuffle=True),
    "shuffled by a generator": lambda t, d: d.DataLoader(
        rows(d, t), 3, shuffle=True, generator=t.Generator().manual_seed(3)),
    "objects": lambda t, d: d.DataLoader(Squares(7), batch_size=3, shuffle=True),
    "one by one": lambda t, d: d.DataLoader(Squares(3), batch_size=None),
    "a sampler": lambda t, d: d.DataLoader(rows(d, t), batch_size=4, sampler=d.SubsetRandomSampler([1, 5, 9, 2, 2])),
    "weights": lambda t, d: d.DataLoader(rows(d, t), 4, sampler=d.WeightedRandomSampler(list(range(11)), 13)),
    "batches of a sampler": lambda t, d: d.DataLoader(
        rows(d, t), batch_sampler=d.BatchSampler(d.RandomSampler(range(11)), 4, True)),
    "lists of batches": lambda t, d: d.DataLoader(rows(d, t), batch_sampler=[[1, 2], [3], [-1, 0]]),
    "an iterable": lambda t, d: d.DataLoader(stream(d, 7), batch_size=3),
    "an iterable, dropped": lambda t, d: d.DataLoader(stream(d, 7), batch_size=3, drop_last=True),
    "an iterable, one by one": lambda t, d: d.DataLoader(stream(d, 3), batch_size=None),
    "own batches": lambda t, d: d.DataLoader(Squares(5), 2, collate_fn=lambda batch: [item[0] for item in batch]),
    "a subset": lambda t, d: d.DataLoader(d.Subset(rows(d, t), [5, 3, 8]), batch_size=2),
    "a split": lambda t, d: d.DataLoader(d.random_split(rows(d, t), [0.7, 0.3])[0], batch_size=3, shuffle=True),
    "a stack": lambda t, d: d.DataLoader(d.StackDataset(a=Squares(4), b=range(4)), batch_size=2),
    "a concatenation": lambda t, d: d.DataLoader(rows(d, t) + rows(d, t, 5), batch_size=6, shuffle=True),
    "a chain": lambda t, d: d.DataLoader(stream(d, 3) + stream(d, 2), batch_size=2),
    "with replacement": lambda t, d: d.DataLoader(
        range(9), 5, sampler=d.RandomSampler(range(9), replacement=True, num_samples=70)),
    "more than there are": lambda t, d: d.DataLoader(range(9), 5, sampler=d.RandomSampler(range(9), num_samples=25)),
    "a part": lambda t, d: d.DataLoader(range(9), 2, sampler=d.DistributedSampler(range(9), 2, 1, seed=5)),
    "pinned": lambda t, d: d.DataLoader(rows(d, t), 4, pin_memory=True),
    "rows without axes": lambda t, d: d.DataLoader(d.TensorDataset(t.arange(5) > 2), batch_size=2),
}


@pytest.mark.parametrize("kind", LOADERS)
def test_two_passes(kind):
    found, wanted = both(lambda t, d: [list(loader) for loader in [LOADERS[kind](t, d)] for _ in range(2)])
    assert found == wanted


@pytest.mark.parametrize("kind", [k for k in LOADERS if "pinned" not in k])
def test_two_passes_with_workers(kind):
    found, wanted = both(lambda t, d: _through_workers(t, d, LOADERS[kind]))
    assert found == wanted


def _through_workers(t, d, make):
    """The same loader, with its batches made by two processes."""
    given = {}
    kind, d = d, _Recording(d, given)
    make(t, d)
    loader = kind.DataLoader(*given["args"], **given["options"], num_workers=2)
    return [[*loader], [*loader]]


class _Recording:
    def __init__(self, d, into):
        self._d, self._into = d, into

    def __getattr__(self, name):
        return getattr(self._d, name)

    def DataLoader(self, *args, **options):
        self._into.update(args=args, options=options)


@pytest.mark.parametrize("kind", LOADERS)
def test_lengths(kind):
    lengths = []
    for t in BOTH:
        loader = LOADERS[kind](t, t.utils.data)
        lengths.append([len(loader), len(loader.dataset), loader.batch_size, loader.drop_last])
    assert lengths[0] == lengths[1]


BATCHES = {
    "tensors": lambda t: [t.ones(2, 3), t.zeros(2, 3)], "numbers": lambda t: [1, 2, 3], "floats": lambda t: [1.0, 2.5],
    "flags": lambda t: [True, False], "text": lambda t: ["a", "b"], "bytes": lambda t: [b"a", b"b"],
    "tuples": lambda t: [(1, 2.0), (3, 4.0)], "lists": lambda t: [[1, 2], [3, 4]],
    "named": lambda t: [Point(1, 2), Point(3, 4)], "dicts": lambda t: [{"a": 1, "b": [2.0]}, {"a": 3, "b": [4.0]}],
    "ordered": lambda t: [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    "arrays": lambda t: [np.ones(2), np.zeros(2)], "whole arrays": lambda t: [np.arange(2), np.arange(2)],
    "array numbers": lambda t: [np.float32(1), np.float32(2)],
    "whole array numbers": lambda t: [np.int64(1), np.int64(2)],
    "doubles of arrays": lambda t: [np.float64(1), np.float64(2)], "array flags": lambda t: [np.bool_(1), np.bool_(0)],
    "nested": lambda t: [[{"a": (1, t.ones(1))}], [{"a": (2, t.zeros(1))}]], "deques": lambda t: [
        collections.deque([1, 2]), collections.deque([3, 4])], "ranges": lambda t: [range(2), range(2)],
    "uneven": lambda t: [[1, 2], [3]], "objects": lambda t: [object(), object()], "none": lambda t: [None, None],
    "uneven tensors": lambda t: [t.ones(2), t.ones(3)], "text arrays": lambda t: [np.array(["a"]), np.array(["b"])],
    "missing": lambda t: [{"a": 1}, {"b": 1}],
}


@pytest.mark.parametrize("kind", BATCHES)
@pytest.mark.parametrize("name", ["default_collate", "default_convert"])
def test_collating(name, kind):
    outcomes = []
    for t in BOTH:
        try:
            outcomes.append(plain(getattr(t.utils.data, name)(BATCHES[kind](t))))
        except Exception as error:
            outcomes.append((type(error).__name__, str(error)[:40]))
    if kind == "objects" and name == "default_convert":
        return
    assert outcomes[0] == outcomes[1]


WRONG = {
    "workers": lambda t, d: d.DataLoader([1], num_workers=-1), "timeout": lambda t, d: d.DataLoader([1], timeout=-1),
    "prefetch": lambda t, d: d.DataLoader([1], prefetch_factor=2),
    "persistent": lambda t, d: d.DataLoader([1], persistent_workers=True),
    "shuffle and sampler": lambda t, d: d.DataLoader([1], shuffle=True, sampler=[0]),
    "sampler and batches": lambda t, d: d.DataLoader([1], sampler=[0], batch_sampler=[[0]]),
    "no batches dropped": lambda t, d: d.DataLoader([1], batch_size=None, drop_last=True),
    "batch size": lambda t, d: d.DataLoader([1], batch_size=0), "flag": lambda t, d: d.DataLoader([1], drop_last=2),
    "nothing to shuffle": lambda t, d: d.DataLoader([], shuffle=True),
    "a context": lambda t, d: d.DataLoader([1], multiprocessing_context="fork"),
    "another context": lambda t, d: d.DataLoader([1], num_workers=1, multiprocessing_context="spoon"),
    "no context": lambda t, d: d.DataLoader([1], num_workers=1, multiprocessing_context=3),
    "shuffled stream": lambda t, d: d.DataLoader(stream(d, 2), shuffle=True),
    "sampled stream": lambda t, d: d.DataLoader(stream(d, 2), sampler=[0]),
    "changed": lambda t, d: setattr(d.DataLoader([1]), "batch_size", 3),
    "sizes": lambda t, d: d.TensorDataset(t.ones(2), t.ones(3)), "no stack": lambda t, d: d.StackDataset(),
    "uneven stack": lambda t, d: d.StackDataset([1], [1, 2]), "two stacks": lambda t, d: d.StackDataset([1], a=[1]),
    "no concatenation": lambda t, d: d.ConcatDataset([]),
    "streams joined": lambda t, d: d.ConcatDataset([stream(d, 1)]),
    "beyond": lambda t, d: d.ConcatDataset(["ab"])[-3], "not streams": lambda t, d: list(d.ChainDataset(["ab"])),
    "lengths": lambda t, d: d.random_split(range(3), [1, 1]),
    "parts": lambda t, d: d.random_split(range(3), [1.5, -0.5]),
    "samples": lambda t, d: d.RandomSampler(range(3), num_samples=0),
    "replacement": lambda t, d: d.RandomSampler(range(3), replacement=1),
    "weights": lambda t, d: d.WeightedRandomSampler([[1.0]], 1),
    "count": lambda t, d: d.WeightedRandomSampler([1.0], 0),
    "rank": lambda t, d: d.DistributedSampler(range(3), 2, 2), "no item": lambda t, d: d.Dataset()[0],
    "row": lambda t, d: list(d.DataLoader(d.TensorDataset(t.ones(3)), batch_sampler=[[5]])),
}


@pytest.mark.parametrize("kind", WRONG)
def test_refused(kind):
    outcomes = []
    for t in BOTH:
        with pytest.raises(Exception) as caught:
            WRONG[kind](t, t.utils.data)
        outcomes.append((type(caught.value).__name__, str(caught.value)[:30]))
    assert outcomes[0] == outcomes[1]


def test_workers_are_seeded_as_pytorch_seeds_them():
    from torch.utils.data._utils.worker import _generate_state

    from tapegrad.utils.data._utils.worker import seeds

    for base in (0, 1, 2 ** 40 + 17, 2 ** 63 - 1):
        for worker in range(3):
            assert seeds(base, worker).tolist() == _generate_state(base, worker)


def drawing(t, d):
    class Drawing(d.Dataset):
        def __getitem__(self, i):
            import random

            info = d.get_worker_info()
            return t.rand(1).item(), random.random(), np.random.rand(), info.id, info.num_workers, info.seed

        def __len__(self):
            return 6

    return [list(d.DataLoader(Drawing(), batch_size=2, num_workers=2))]


def test_random_numbers_in_workers():
    found, wanted = both(drawing)
    assert found == wanted


@pytest.mark.parametrize("name", ["DataLoader", "RandomSampler", "BatchSampler", "WeightedRandomSampler", "Subset",
                                  "SubsetRandomSampler", "TensorDataset", "StackDataset", "DistributedSampler"])
def test_signatures(name):
    mine, theirs = (inspect.signature(getattr(t.utils.data, name).__init__).parameters.values() for t in BOTH)
    assert [(p.name, p.kind, p.default) for p in mine] == [(p.name, p.kind, p.default) for p in theirs]
