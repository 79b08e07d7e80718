"""`python -m tapegrad`, or `tapegrad`: the demonstration, what a script records, and what runs here."""
from __future__ import annotations

import argparse
import importlib.metadata
import io
import os
import platform
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command.

    >>> main(["info"])
    tapegrad ...
    """
    parser = argparse.ArgumentParser(prog="tapegrad", description="PyTorch's autograd on a flat tape.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, (run, text, declare) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        declare(command)
        command.set_defaults(run=run, parser=command)
    given = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # signs that a terminal does not have
    try:
        given.run(given)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads this has seen enough: `tapegrad dump … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


# ---------------------------------------------------------------- what the commands do


def _demo(given: argparse.Namespace) -> None:
    from tapegrad import demo

    demo.main()


def _dump(given: argparse.Namespace) -> None:
    from tapegrad.inspect import dumping, scripts

    shown = dumping.Shown(given.adjoint, given.values, given.grads, given.fold)
    if _is_tape(given):
        dumping.show(_tape(given, given.what), shown, given.json)
    else:
        scripts.dump(given.what, given.arguments, shown, not given.no_lines, given.most, given.json)


def _html(given: argparse.Namespace) -> None:
    from tapegrad.inspect import page, scripts

    if _is_tape(given):
        tapes, ended = [_tape(given, given.what)], None
    else:
        tapes, ended = scripts.tapes(given.what, given.arguments, given.most)
    written = [page.page(tape) for tape in tapes]
    stem = Path(given.output or Path(given.what).stem + ".html")
    for i, content in enumerate(written):
        to = stem.with_stem(f"{stem.stem}-{i + 1}") if len(written) > 1 else stem
        to.write_text(content, "utf-8")
        print(to)
    _goes_on(given, ended, written)


def _why_nan(given: argparse.Namespace) -> None:
    from tapegrad.inspect import nans, scripts

    if _is_tape(given):
        looked = scripts.Looked(nans.found(_tape(given, given.what)), 1, [])
    else:
        looked = scripts.why_nan(given.what, given.arguments)
    if looked.report is not None:
        print(looked.report)
        sys.exit(1)
    if looked.calls:
        print("\n".join(["every value that can be seen is finite", *looked.unseen]) if looked.unseen else
              "every value is finite")
    _goes_on(given, looked.ended, looked.calls)
    sys.exit(0)


def _debug(given: argparse.Namespace) -> None:
    from tapegrad.inspect import debugger, scripts

    found, ended = ([_tape(given, given.what)], None) if _is_tape(given) else scripts.tapes(
        given.what, given.arguments, 1)
    if found:
        debugger.Prompt(debugger.Debugger(found[0])).cmdloop()
    _goes_on(given, ended, found)


def _profile(given: argparse.Namespace) -> None:
    from tapegrad.inspect import scripts

    found, ended = scripts.profiled(given.what, given.arguments)
    if given.trace:
        found.trace(given.trace)
    print(found.json(given.by) if given.json else found.table(given.by, given.most))
    _goes_on(given, ended, found)


def _diff(given: argparse.Namespace) -> None:
    found = _tape(given, given.what).diff(_tape(given, given.other))
    print(found)
    sys.exit(bool(found))


def _replay(given: argparse.Namespace) -> None:
    print(repr(_tape(given, given.what).replay()))


def _info(given: argparse.Namespace) -> None:
    print(info() if given.what is None else _described(given))


def _described(given: argparse.Namespace) -> str:
    """What a saved tape, or a function that was exported, is."""
    from tapegrad import export
    from tapegrad.tape import TapeError, text

    tape = _tape(given, given.what)
    held = sum(value.nbytes for value in tape.values.values())
    about = [f"tape       {tape.name}, {len(tape)} instructions, {len(tape.inputs)} inputs, "
             f"{len(tape.outputs)} results",
             f"values     of {len(tape.values)} inputs, {text.bytes_text(held)}"]
    try:
        return "\n".join([*about, *export.load(given.what).description()]) if zipfile.is_zipfile(given.what) else (
            "\n".join(about))
    except TapeError:
        return "\n".join(about)


def _operations(given: argparse.Namespace) -> None:
    from tapegrad.documents import catalogue

    print(catalogue.text(), end="")


def _manual(given: argparse.Namespace) -> None:
    from tapegrad.documents import manual

    manual.write()


def _stubs(given: argparse.Namespace) -> None:
    from tapegrad.documents import module_stubs, stubs

    stubs.write()
    module_stubs.write()


def _goes_on(given: argparse.Namespace, ended: BaseException | None, found: object) -> None:
    """What ended a script ends the command, once it has told what it found; it is an error if that is nothing."""
    if ended is not None:
        raise ended
    if not found:
        given.parser.error(f"{given.what} never calls backward")


def _is_tape(given: argparse.Namespace) -> bool:
    """Whether what was given is a tape that was saved, and not a script; says so where it is neither."""
    if not Path(given.what).exists():
        given.parser.error(f"no such file: {given.what}")
    if given.what.endswith(".py"):
        return False
    if given.arguments:
        given.parser.error(f"unrecognized arguments: {' '.join(given.arguments)} (options come before the tape)")
    return True


def _tape(given: argparse.Namespace, path: str) -> Any:
    """A saved tape, or one that was dumped as text."""
    from tapegrad.tape import Tape, TapeError

    if not Path(path).exists():
        given.parser.error(f"no such file: {path}")
    try:
        return Tape.load(path) if zipfile.is_zipfile(path) else Tape.parse(Path(path).read_text("utf-8")).verify()
    except (TapeError, ValueError, OSError) as error:
        given.parser.error(f"{path} is no tape: {error}")


# ---------------------------------------------------------------- what they take


def _nothing(command: argparse.ArgumentParser) -> None:
    pass


def _of_script(command: argparse.ArgumentParser) -> None:
    command.add_argument("what", metavar="script.py | tape", help="a script to run, or a tape that was saved or dumped")
    command.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script is given")


def _of_dump(command: argparse.ArgumentParser) -> None:
    command.add_argument("--adjoint", action="store_true", help="print each tape's adjoint too")
    command.add_argument("--values", action="store_true", help="what each buffer holds")
    command.add_argument("--grads", action="store_true", help="what each buffer's adjoint holds")
    command.add_argument("--fold", action="store_true", help="show one turn of each loop")
    command.add_argument("--json", action="store_true", help="print JSON, a tape a line")
    command.add_argument("--no-lines", action="store_true", help="leave out the lines of source")
    command.add_argument("--most", type=int, default=20, metavar="N", help="print at most N different tapes (20)")
    _of_script(command)


def _of_html(command: argparse.ArgumentParser) -> None:
    command.add_argument("--output", metavar="FILE", help="where to write; numbered if there are several tapes")
    command.add_argument("--most", type=int, default=4, metavar="N", help="at most N different tapes (4)")
    _of_script(command)


def _of_profile(command: argparse.ArgumentParser) -> None:
    command.add_argument("--by", choices=("instruction", "opcode", "line"), default="instruction",
                         help="what a row is")
    command.add_argument("--most", type=int, default=30, metavar="N", help="at most N rows (30)")
    command.add_argument("--json", action="store_true", help="print JSON, with all rows")
    command.add_argument("--trace", metavar="FILE", help="write the calls for https://ui.perfetto.dev")
    command.add_argument("what", metavar="script.py", help="a script to run")
    command.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script is given")


def _of_tape(command: argparse.ArgumentParser) -> None:
    command.add_argument("what", metavar="tape", help="a tape that was saved or dumped")


def _of_info(command: argparse.ArgumentParser) -> None:
    command.add_argument("what", metavar="tape", nargs="?",
                         help="a tape that was saved or dumped, or an exported function")


def _of_two(command: argparse.ArgumentParser) -> None:
    _of_tape(command)
    command.add_argument("other", metavar="other", help="the tape to compare it with")


COMMANDS: dict[str, tuple[Any, str, Any]] = {
    "demo": (_demo, "run the autograd tutorial and print its tape", _nothing),
    "dump": (_dump, "run a script and print the tapes that it calls backward on, or print a saved tape", _of_dump),
    "why-nan": (_why_nan, "run a script up to the first value that is not finite and say what made it; exit status 1 "
                          "if there is one", _of_script),
    "html": (_html, "write the tapes of a script, or a saved one, as pages to look at", _of_html),
    "debug": (_debug, "step through a saved tape, or the first that a script calls backward on, both ways", _of_script),
    "profile": (_profile, "run a script and say where its time goes", _of_profile),
    "diff": (_diff, "what differs between two tapes; exit status 1 if anything does", _of_two),
    "replay": (_replay, "run a saved tape, or exported function, again on its values and print the results", _of_tape),
    "info": (_info, "versions, processor, and the cache of kernels; or what a saved tape or function is", _of_info),
    "operations": (_operations, "every operation in a table, as docs/operations.md has it", _nothing),
    "manual": (_manual, "write what help() shows of native functions, into documents/manual.txt", _nothing),
    "stubs": (_stubs, "write types for type checkers, into tapegrad/**/*.pyi", _nothing),
}


# ---------------------------------------------------------------- info


def info() -> str:
    """What runs here, a line each."""
    import tapegrad
    from tapegrad.machine.llvm import cache, jit

    triple, processor, features = jit.host()
    used = [f[1:] for f in features.split(",") if f[:1] == "+"]
    kept = cache.info()
    rows = {
        "tapegrad": tapegrad.__version__.partition("+tapegrad.")[2],
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        **{name: importlib.metadata.version(name) for name in ("numpy", "numba", "llvmlite", "scipy")},
        "imported": ", ".join(f"{name} {'yes' if name in sys.modules else 'no'}" for name in ("numba", "scipy")),
        "processor": f"{processor} ({triple})",
        "features": ", ".join(f for f in used if f.startswith(("sse4", "avx", "fma", "neon", "sve"))) or "none of note",
        "threads": str(tapegrad.get_num_threads()),
        "kernel cache": f"{kept.folder or 'off (TAPEGRAD_CACHE_DIR is empty)'}",
        "": f"{kept.entries} entries, {kept.bytes / 1e6:.1f} MB",
    }
    width = max(map(len, rows))
    return "\n".join(f"{name:{width}}  {value}" for name, value in rows.items())


if __name__ == "__main__":
    main()
