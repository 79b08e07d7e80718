"""Everything that turns rules into running code, a room a step:

    kernels/    where a kernel's LLVM text is written, from the mathematics of a rule
    llvm/       where text is compiled: to object code (kept on disk), and to an address
    planning/   where it is chosen which kernels an operation on given layouts takes, and over which loops
    native/     where they are run: memory, tape, operators, the sweep back; Python that numba compiles once
    dataflow/   which values a long trace computes, and of which: one native walk over it
    streams/    where random numbers come from: streams of bits, distributions, and the kernels that draw
    learning/   what native code is taught while Python runs: recipes of calls, captures of compiled functions
    startup/    what a machine is made of: address space, object code, the native tensor type

`records.py` declares every native record: start there. `runtime.py` is the machine, its tables and their limits, and
`live.py` the one of this process; `reference.py` runs the rules on NumPy arrays, as what the kernels are tested
against. A room is imported by its name alone, and its `__all__` says what it offers.
"""
