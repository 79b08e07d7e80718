"""Switches of a compiler that is not here: what is set is kept, and changes nothing."""
from types import SimpleNamespace

coordinate_descent_tuning = coordinate_descent_check_all_directions = max_autotune = freezing = cpp_wrapper = False
conv_1x1_as_mm = force_fuse_int_mm_with_mul = use_mixed_mm = False
fx_graph_cache = epilogue_fusion = shape_padding = True
triton = SimpleNamespace(unique_kernel_names=True, cudagraphs=False)
cpp = SimpleNamespace()
