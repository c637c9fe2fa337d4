"""C for matrix products: tiles of vector registers, written out for the sizes at hand.

Rows of matrices begin at multiples of 64 bytes and what lies behind their last column is zero, so that whole vectors
are read and written. Every function is made for constants, which the compiler folds.
"""

from __future__ import annotations

PRELUDE = """\
#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX512F__)
#define BYTES 64
#define FEW_VECTORS 8
#elif defined(__AVX__)
#define BYTES 32
#define FEW_VECTORS 4
#else
#define BYTES 16
#define FEW_VECTORS 4
#endif
#define LANES ((long)(BYTES / sizeof(R)))
#define ONCE static __attribute__((noinline, unused))
#define INLINE static inline __attribute__((always_inline))
typedef R V __attribute__((vector_size(BYTES), aligned(BYTES), may_alias));
"""

FLOAT = """\
/* Cephes' expf: |r| <= log(2)/2, relative error below 2e-7; 0 and inf at the ends, nan stays nan */
INLINE float g_exp(float x) {
  x = x < -87.33f ? -87.33f : x; x = x > 89.0f ? 89.0f : x;
  float n = __builtin_rintf(x * 1.44269504088896341f);
  float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f; p = p * r + 8.3334519073e-3f; p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f; p = p * r + 5.0000001201e-1f; p = p * r * r + r + 1.0f;
  union { int32_t i; float f; } two = { ((int32_t)n + 127) << 23 };
  return p * two.f;
}
"""

DOUBLE = """\
INLINE double g_exp(double x) { return exp(x); }
"""

FUNCTIONS = """\
INLINE R g_sigmoid(R x) { return (R)1 / ((R)1 + g_exp(-x)); }
INLINE R g_tanh(R x) { return (R)1 - (R)2 / (g_exp(2 * x) + (R)1); }
INLINE R g_softplus(R x) { R a = x < 0 ? x : -x; return (x > 0 ? x : 0) + (R)log1p((double)g_exp(a)); }
INLINE R g_sign(R x) { return x > 0 ? (R)1 : x < 0 ? (R)-1 : x * 0; }
INLINE R g_relu(R x) { return x > 0 ? x : x * 0; }
"""

# out = beta*out + alpha*acc, or start + alpha*acc; `start` is a row or null; for constants, which are folded
_FINISH = """\
INLINE V finish(V acc, const R *out, const R *start, R alpha, R beta) {
  V found = acc;
  if (alpha != (R)1) found = alpha * acc;
  if (start) return found + *(const V *)start;
  if (beta == (R)0) return found;
  return beta == (R)1 ? *(const V *)out + found : beta * *(const V *)out + found;
}
"""


def tile(rows: int, vectors: int) -> str:
    """`rows` rows of so many vectors: entry (i, k) of the left operand is at a + i*ai + k*ak.

    The product times alpha; if gamma is not 0, gamma times what is at base, row by row `step` further, is added. One
    question for the whole tile: asked at each vector it took most of the compiler's time.
    """
    each = [(r, v) for r in range(rows) for v in range(vectors)]
    places = {(r, v): f"{r} * ldo + {v} * LANES" for r, v in each}
    lines = [
        f"ONCE void tile_{rows}x{vectors}(long K, const R *a, long ai, long ak, const R *b, long ldb,",
        "    R *out, long ldo, const R *base, long step, R alpha, R gamma) {",
        "  V " + ", ".join(f"c{r}_{v} = {{0}}" for r, v in each) + ";",
        "  for (long k = 0; k < K; k++) {",
        *(f"    V b{v} = *(const V *)(b + k * ldb + {v} * LANES);" for v in range(vectors)),
    ]
    lines += [
        f"    {{ R x = a[{r} * ai + k * ak]; " + " ".join(f"c{r}_{v} += x * b{v};" for v in range(vectors)) + " }"
        for r in range(rows)
    ]
    lines += ["  }", "  if (gamma != (R)0) {"]
    lines += [
        f"    *(V *)(out + {places[r, v]}) = gamma * *(const V *)(base + {r} * step + {v} * LANES) + alpha * c{r}_{v};"
        for r, v in each
    ]
    lines.append("  } else {")
    lines += [f"    *(V *)(out + {places[r, v]}) = alpha * c{r}_{v};" for r, v in each]
    return "\n".join([*lines, "  }", "}", ""])


def few_rows(rows: int, vectors: int) -> str:
    """A product of very few rows, one pass over the right operand; a k at which all of them are 0 is skipped."""
    each = [(r, v) for r in range(rows) for v in range(vectors)]
    some = " | ".join(f"(x{r} != 0)" for r in range(rows))
    lines = [
        f"INLINE void few_{rows}x{vectors}(long K, const R *a, long lda, const R *b, long ldb,",
        "    R *out, long ldo, const R *start, R alpha, R beta) {",
        "  V " + ", ".join(f"c{r}_{v} = {{0}}" for r, v in each) + ";",
        "  for (long k = 0; k < K; k++) {",
        "    R " + ", ".join(f"x{r} = a[{r} * lda + k]" for r in range(rows)) + ";",
        f"    if (!({some})) continue;",
    ]
    for v in range(vectors):
        adds = " ".join(f"c{r}_{v} += x{r} * w;" for r in range(rows))
        lines.append(f"    {{ V w = *(const V *)(b + k * ldb + {v} * LANES); {adds} }}")
    lines.append("  }")
    for r, v in each:
        at = f"out + {r} * ldo + {v} * LANES"
        lines.append(f"  *(V *)({at}) = finish(c{r}_{v}, {at}, start ? start + {v} * LANES : 0, alpha, beta);")
    return "\n".join([*lines, "}", ""])


def few_terms(terms: int) -> str:
    """For out += alpha * (sum of `terms` outer products), row by row; a row whose factors are all 0 stays as it is."""
    some = " | ".join(f"(x{k} != 0)" for k in range(terms))
    total = " + ".join(f"x{k} * *(const V *)(b + {k} * ldb + j)" for k in range(terms))
    return "\n".join(
        [
            f"INLINE void outer_{terms}(long M, long N, const R *a, long lda, const R *b, long ldb,",
            "    R *out, long ldo, R alpha, R beta) {",
            "  for (long i = 0; i < M; i++) {",
            "    R " + ", ".join(f"x{k} = alpha * a[{k} * lda + i]" for k in range(terms)) + ";",
            f"    if (beta == (R)1 && !({some})) continue;",
            "    R *row = out + i * ldo;",
            "    for (long j = 0; j < N; j += LANES) {",
            f"      V sum = {total};",
            "      V *at = (V *)(row + j);",
            "      if (beta == (R)0) *at = sum; else if (beta == (R)1) *at += sum; else *at = beta * *at + sum;",
            "    }",
            "  }",
            "}",
            "",
        ]
    )


ROWS = (8, 4, 2, 1)
FEW = 4
_GEMM = """\
ONCE void gemm(long M, long N, long K, const R *a, long ai, long ak, const R *b, long ldb,
    R *out, long ldo, const R *start, R alpha, R beta, R *panel) {
  const R *base = start ? start : out; const long step = start ? 0 : ldo; const R gamma = start ? (R)1 : beta;
  long j = 0;
  for (; j + 2 * LANES <= N; j += 2 * LANES) {
    const R *p = b + j; long ldp = ldb;
    if (M >= 32 && ldb > 2 * LANES) {
      for (long k = 0; k < K; k++) {
        *(V *)(panel + 2 * k * LANES) = *(const V *)(b + k * ldb + j);
        *(V *)(panel + (2 * k + 1) * LANES) = *(const V *)(b + k * ldb + j + LANES);
      }
      p = panel; ldp = 2 * LANES;
    }
    COLUMN(2)
  }
  for (; j < N; j += LANES) { const R *p = b + j; long ldp = ldb; COLUMN(1) }
}
"""


def products(many: set[int], few: set[int], terms: set[int]) -> str:
    """What products need, for these numbers of rows in `gemm`, of rows in `gemm_few`, of terms in `outer`, and no more.

    What a program does not call would be compiled all the same before it is left out. N counts whole vectors.
    """
    parts = [_FINISH]
    if many:
        tiles = [rows for rows in ROWS if any(count >= rows if rows == ROWS[0] else count & rows for count in many)]
        parts += [tile(rows, vectors) for rows in tiles for vectors in (1, 2)]
        parts += [_column(tiles), _GEMM]
    if few:
        parts += [few_rows(rows, vectors) for rows in sorted(few) for vectors in (1, 2, 4, 8)]
        parts.append(_few(sorted(few)))
    return "\n".join([*parts, *(few_terms(count) for count in sorted(terms)), ""])


def _column(tiles: list[int]) -> str:
    """COLUMN(NV): every row of so many vectors, as many rows at a time as fit."""
    calls = " \\\n".join(
        f"    {'else ' if at else ''}if (i + {rows} <= M) {{ tile_{rows}x##NV(K, a + i * ai, ai, ak, p, ldp, out + i * ldo + j,"
        f" ldo, base + i * step + j, step, alpha, gamma); i += {rows}; }}"
        for at, rows in enumerate(tiles)
    )
    return f"#define COLUMN(NV) for (long i = 0; i < M;) {{ \\\n{calls} \\\n  }}\n"


def _few(counts: list[int]) -> str:
    lines = ["INLINE void gemm_few(long M, long N, long K, const R *a, long lda, const R *b, long ldb,"]
    lines.append("    R *out, long ldo, const R *start, R alpha, R beta) {\n  long j = 0;")
    for vectors in (8, 4, 2, 1):
        lines.append(
            f"  if ({vectors} <= FEW_VECTORS || {vectors} == 1) for (; j + {vectors} * LANES <= N; j += {vectors} * LANES)"
        )
        calls = [
            f"if (M == {rows}) few_{rows}x{vectors}(K, a, lda, b + j, ldb, out + j, ldo, start ? start + j : 0, alpha, beta);"
            for rows in counts
        ]
        lines.append("    { " + " ".join(calls) + " }")
    return "\n".join([*lines, "}", ""])
