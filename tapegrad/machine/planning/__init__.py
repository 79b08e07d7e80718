"""Where kernels are chosen: an operation on given layouts becomes a plan, steps that each call a kernel over loops.

`planner` answers "which plan" (start there) by way of `operation_kinds`, a kind of operation each with its own way of
lowering, and `step_builder`. `layouts` and `plan` say what is planned with, `rule_tracing` runs rules on symbols,
`thread_cuts` says which steps threads share; `structured*` is for operations that choose kernels of their own.
"""
from __future__ import annotations

from tapegrad.machine.planning import thread_cuts
from tapegrad.machine.planning.layouts import Layout, Layouts
from tapegrad.machine.planning.plan import KEEPS_RESULT, NODE, Attributes, Plan, Step, byte_strides
from tapegrad.machine.planning.planner import Planner
from tapegrad.machine.planning.rule_tracing import compute_dtype, result_dtype, trace

__all__ = ["KEEPS_RESULT", "NODE", "Attributes", "Layout", "Layouts", "Plan", "Planner", "Step", "byte_strides",
           "compute_dtype", "result_dtype", "thread_cuts", "trace"]
