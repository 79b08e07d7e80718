"""Datasets, samplers and loaders (`torch.utils.data`).

>>> import tapegrad as torch
>>> from tapegrad.utils.data import DataLoader, TensorDataset
>>> [batch for (batch,) in DataLoader(TensorDataset(torch.arange(3)), batch_size=2)]
[tensor([0, 1]), tensor([2])]
"""
from tapegrad.namespaces import show_public
from tapegrad.utils.data._utils.collate import default_collate, default_convert
from tapegrad.utils.data._utils.info import get_worker_info
from tapegrad.utils.data.dataloader import DataLoader
from tapegrad.utils.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from tapegrad.utils.data.distributed import DistributedSampler
from tapegrad.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

__all__ = ["BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "DistributedSampler",
           "IterableDataset", "RandomSampler", "Sampler", "SequentialSampler", "StackDataset", "Subset",
           "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "default_collate", "default_convert",
           "get_worker_info", "random_split"]
show_public(__name__, "dataloader", "dataset", "distributed", "sampler")
