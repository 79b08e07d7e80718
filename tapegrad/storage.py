"""The classes of memory that tensors lie in (`torch.storage`)."""
from tapegrad.functions.storages import TypedStorage, UntypedStorage
from tapegrad.namespaces import show_public

__all__ = ["TypedStorage", "UntypedStorage"]
show_public(__name__)
