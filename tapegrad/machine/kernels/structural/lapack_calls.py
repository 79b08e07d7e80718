"""Calls of LAPACK over batches of matrices, as LLVM text: a routine's arguments come from the nest and from pointers.

Nests are int64 words: [batches, whether one thread is enough, letters and sizes…, the byte stride of each pointer over
the batch…, two words]. Where a routine reports a status the loop ends, and the last two are left saying which of the
batch it was and what it reported. Pointers come in the order of the routine's arguments, but those that it only reads
last.
"""
from __future__ import annotations

from tapegrad.machine import records as rec

# What a routine takes: a letter or a size (from the nest), a pointer, one that it only reads, the number one, the
# status that it reports.
WORD, POINTER, READ, ONE, STATUS = "w", "p", "r", "1", "s"
ROUTINES = {
    "gesdd": "wwwpwppwpwpwps",  # jobz m n a lda s u ldu vt ldvt work lwork iwork info
    "syevd": "wwwpwppwpws",     # jobz uplo n a lda w work lwork iwork liwork info
    "geqrf": "wwpwppws",        # m n a lda tau work lwork info
    "orgqr": "wwwpwrpws",       # m n k a lda tau work lwork info
    "potrf": "wwpws",           # uplo n a lda info
    "trsm": "wwwwww1rwpw",      # side uplo trans diag m n alpha a lda b ldb
    "lacpy": "wwwrwpw",         # uplo m n a lda b ldb
}
FIRST = 2  # of the words, where a routine's own begin
# Routines that may run for ever on what is not finite: which words are the sizes of the matrix, which argument it is,
# and at which argument the row of all of its results begins.
GUARDED = {"gesdd": (1, 2, 4, 9)}
# Routines to some of which (OpenBLAS's) NaN is no number that is not positive, and zero times infinity is zero: which
# word is the size of the matrix, which argument it is. Its diagonal is looked at before they begin and when they are
# done.
CHECKED = {"potrf": (1, 3)}
INFINITY, NAN = "0x7FF0000000000000", "0x7FF8000000000000"  # of either type, so LLVM writes them


def pointers(takes: str) -> list[int]:
    """The order in which a kernel takes a routine's pointers: those that are written first."""
    kinds = [kind for kind in takes if kind in (POINTER, READ)]
    return sorted(range(len(kinds)), key=lambda k: kinds[k] == READ)


def call_text(symbol: str, takes: str, element: str, threads: bool, guard: tuple[int, int, int, int] | None = None,
              check: tuple[int, int] | None = None) -> str:
    """The kernel that calls the routine `symbol` on elements of an LLVM type.

    `threads` says that the library can be told how many to use. With a `guard`, of `GUARDED`, a matrix with NaN is
    refused as LAPACK refuses an argument, and the results of one with infinities are NaN; with a `check`, of `CHECKED`,
    one whose diagonal becomes NaN is refused as LAPACK refuses a minor.
    """
    order = pointers(takes)
    n_words, n_pointers = takes.count(WORD), len(order)
    strides = FIRST + n_words
    lines = [f"declare void @{symbol}({', '.join(['ptr'] * len(takes))})", f"@one = internal constant {element} 1.0"]
    if threads:
        lines += ["declare i32 @tapegrad_blas_threads()", "declare void @tapegrad_set_blas_threads(i32)"]
    lines += ["define i32 @kernel(ptr %pointers, ptr %nest) {", "entry:", f"  %room = alloca [{n_words + 1} x i32]",
              f"  %status = getelementptr i32, ptr %room, i32 {n_words}", "  store i32 0, ptr %status"]

    def word(name: str, at: int) -> None:
        lines.extend([f"  %{name}.p = getelementptr i64, ptr %nest, i64 {at}", f"  %{name} = load i64, ptr %{name}.p"])

    word("batches", 0)
    word("single", 1)
    for k in range(n_words):
        word(f"w{k}", FIRST + k)
        lines += [f"  %t{k} = trunc i64 %w{k} to i32", f"  %a{k} = getelementptr i32, ptr %room, i32 {k}",
                  f"  store i32 %t{k}, ptr %a{k}"]
    for k in range(n_pointers):
        word(f"s{k}", strides + k)
        lines += [f"  %first{k}.p = getelementptr ptr, ptr %pointers, i64 {k}",
                  f"  %first{k} = load ptr, ptr %first{k}.p"]
    lines += [f"  %which = getelementptr i64, ptr %nest, i64 {strides + n_pointers}",
              f"  %what = getelementptr i64, ptr %nest, i64 {strides + n_pointers + 1}", "  store i64 0, ptr %what"]
    lines += ["  %had = call i32 @tapegrad_blas_threads()", "  %several = icmp sgt i32 %had, 1",
              "  %small = icmp ne i64 %single, 0", "  %alone = and i1 %several, %small",
              "  br i1 %alone, label %less, label %start",
              "less:", "  call void @tapegrad_set_blas_threads(i32 1)", "  br label %start"] if threads else [
              "  br label %start"]
    lines += ["start:", "  %none = icmp sle i64 %batches, 0", "  br i1 %none, label %end, label %loop", "loop:",
              "  %i = phi i64 [0, %start], [%i.next, %next]"]
    lines += [f"  %p{k} = phi ptr [%first{k}, %start], [%p{k}.next, %next]" for k in range(n_pointers)]
    named = {WORD: iter(range(n_words)), POINTER: map(order.index, range(n_pointers))}
    named[READ] = named[POINTER]
    arguments = ["ptr %status" if kind == STATUS else "ptr @one" if kind == ONE else
                 f"ptr %{'a' if kind == WORD else 'p'}{next(named[kind])}" for kind in takes]
    if guard is not None:
        m, n, argument, row = guard
        lines += _guarded(element, f"%w{m}, %w{n}", arguments[argument - 1], arguments[row - 1], -argument)
    if check is not None:
        lines += _marked(element, f"%w{check[0]}", arguments[check[1] - 1])
    lines += [f"  call void @{symbol}({', '.join(arguments)})", "  br label %called", "called:"]
    if check is not None:
        lines += _checked(element, f"%w{check[0]}", arguments[check[1] - 1])
    lines += ["  %found = load i32, ptr %status",
              "  %refused = icmp ne i32 %found, 0", "  br i1 %refused, label %refuse, label %next", "next:",
              "  %i.next = add i64 %i, 1"]
    lines += [f"  %p{k}.next = getelementptr i8, ptr %p{k}, i64 %s{k}" for k in range(n_pointers)]
    lines += ["  %more = icmp slt i64 %i.next, %batches", "  br i1 %more, label %loop, label %end",
              "refuse:", "  %found.wide = sext i32 %found to i64", "  store i64 %i, ptr %which",
              "  store i64 %found.wide, ptr %what", "  br label %end",
              "end:", f"  %result = phi i32 [0, %start], [0, %next], [{rec.REFUSED}, %refuse]"]
    lines += ["  br i1 %alone, label %restore, label %done", "restore:",
              "  call void @tapegrad_set_blas_threads(i32 %had)", "  br label %done", "done:"] if threads else []
    lines += ["  ret i32 %result", "}"]
    return "\n".join(lines) + "\n"


def _guarded(element: str, sizes: str, matrix: str, target: str, status: int) -> list[str]:
    """Lines before a call that what is not finite does not reach: NaN is refused, with infinities the results are NaN.

    What PyTorch's LAPACK finds for infinities is NaN too, but vectors of some, which are no vectors of the matrix.
    """
    item = 8 if element == "double" else 4
    stride = target.replace("ptr %p", "%s")
    return [f"  %count = mul i64 {sizes}", "  br label %look",
            "look:", "  %j = phi i64 [0, %loop], [%j.next, %look]",
            f"  %sum = phi {element} [0.0, %loop], [%sum.next, %look]",
            f"  %x.p = getelementptr {element}, {matrix}, i64 %j", f"  %x = load {element}, ptr %x.p",
            f"  %zero = fmul {element} %x, 0.0", f"  %sum.next = fadd {element} %sum, %zero",
            "  %j.next = add i64 %j, 1", "  %looked = icmp sge i64 %j.next, %count",
            "  br i1 %looked, label %decide, label %look",
            "decide:", f"  %finite = fcmp ord {element} %sum.next, 0.0", "  br i1 %finite, label %call, label %odd",
            "odd:", "  %o = phi i64 [0, %decide], [%o.next, %number]",
            f"  %o.p = getelementptr {element}, {matrix}, i64 %o", f"  %o.x = load {element}, ptr %o.p",
            f"  %o.ordered = fcmp ord {element} %o.x, 0.0", "  br i1 %o.ordered, label %number, label %nan",
            "nan:", f"  store i32 {status}, ptr %status", "  br label %called",
            "number:", "  %o.next = add i64 %o, 1", "  %o.more = icmp slt i64 %o.next, %count",
            "  br i1 %o.more, label %odd, label %fill",
            "fill:", "  %f = phi i64 [0, %number], [%f.next, %fill]", f"  %f.p = getelementptr i8, {target}, i64 %f",
            f"  store {element} {NAN}, ptr %f.p", f"  %f.next = add i64 %f, {item}",
            f"  %f.more = icmp slt i64 %f.next, {stride}", "  br i1 %f.more, label %fill, label %filled",
            "filled:", "  store i32 0, ptr %status", "  br label %called", "call:"]


def _marked(element: str, n: str, matrix: str) -> list[str]:
    """Lines before a call that give a row NaN on its diagonal, where it has an element that is not finite in the
    column of an infinite pivot: their quotient is."""
    return [f"  %across = add i64 {n}, 1", "  br label %rows",
            "rows:", "  %r = phi i64 [0, %loop], [%r.next, %row.done]", f"  %r.inside = icmp slt i64 %r, {n}",
            "  br i1 %r.inside, label %row, label %call",
            "row:", "  %r.at = mul i64 %r, %across", f"  %r.p = getelementptr {element}, {matrix}, i64 %r.at",
            f"  %r.x = load {element}, ptr %r.p", f"  %r.infinite = fcmp oeq {element} %r.x, {INFINITY}",
            "  %r.next = add i64 %r, 1", "  br i1 %r.infinite, label %below, label %row.done",
            "below:", "  %q = phi i64 [%r.next, %row], [%q.next, %below.done]", f"  %q.inside = icmp slt i64 %q, {n}",
            "  br i1 %q.inside, label %beneath, label %row.done",
            "beneath:", f"  %q.row = mul i64 %q, {n}", "  %q.at = add i64 %q.row, %r",
            f"  %q.p = getelementptr {element}, {matrix}, i64 %q.at", f"  %q.x = load {element}, ptr %q.p",
            f"  %q.zero = fmul {element} %q.x, 0.0", f"  %q.finite = fcmp ord {element} %q.zero, 0.0",
            "  br i1 %q.finite, label %below.done, label %mark",
            "mark:", "  %m.at = mul i64 %q, %across", f"  %m.p = getelementptr {element}, {matrix}, i64 %m.at",
            f"  store {element} {NAN}, ptr %m.p", "  br label %below.done",
            "below.done:", "  %q.next = add i64 %q, 1", "  br label %below",
            "row.done:", "  br label %rows", "call:"]


def _checked(element: str, n: str, matrix: str) -> list[str]:
    """Lines after a call that refuse the first minor whose diagonal element became NaN."""
    return ["  %reported = load i32, ptr %status", "  %minor = sext i32 %reported to i64",
            "  %some = icmp ne i32 %reported, 0", f"  %limit = select i1 %some, i64 %minor, i64 {n}",
            "  br label %check",
            "check:", "  %d = phi i64 [0, %called], [%d.next, %ordered]", "  %inside = icmp slt i64 %d, %limit",
            "  br i1 %inside, label %element, label %checked",
            "element:", "  %d.at = mul i64 %d, %across", f"  %d.p = getelementptr {element}, {matrix}, i64 %d.at",
            f"  %d.x = load {element}, ptr %d.p", f"  %is.ordered = fcmp ord {element} %d.x, 0.0",
            "  %d.next = add i64 %d, 1", "  br i1 %is.ordered, label %ordered, label %not.ordered",
            "ordered:", "  br label %check",
            "not.ordered:", "  %d.minor = trunc i64 %d.next to i32", "  store i32 %d.minor, ptr %status",
            "  br label %checked", "checked:"]
