"""The former name of `torch.hub` for files of weights (`torch.utils.model_zoo`)."""
from tapegrad.hub import load_state_dict_from_url as load_url
from tapegrad.namespaces import show_public

__all__ = ["load_url"]
show_public(__name__)
