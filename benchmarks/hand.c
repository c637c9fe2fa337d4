/* 784-128-10 by hand, one function a network: what is left to win. R is the type, B the batch.
   Batch 1 and 2 skip rows of W1 that meet zeros only; wider batches use register tiles of 8 rows. */
#include <math.h>
#include <string.h>
#define I 784
#define H 128
#define O 10
#define P 16
#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
#define L ((int)(BYTES / sizeof(R)))
typedef R V __attribute__((vector_size(BYTES), aligned(BYTES), may_alias));
static R h[B][H] __attribute__((aligned(64))), d[B][H] __attribute__((aligned(64)));
static R g[B][P] __attribute__((aligned(64))), t2[O][H] __attribute__((aligned(64)));

#if B > 4
/* c[8][2L] = sum over k of a(i, k) b(k, j); then to c: start + sum, or c - sum */
static inline __attribute__((always_inline)) void tile(int K, const R *a, long ai, long ak, const R *b, long ldb, R *c,
    long ldc, const R *start, int less, int rows, int vs) {
  V acc[8][2] = {{{0}}};
  for (int k = 0; k < K; k++)
    for (int r = 0; r < rows; r++)
      for (int v = 0; v < vs; v++) acc[r][v] += a[r * ai + k * ak] * *(const V *)(b + k * ldb + v * L);
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vs; v++) {
      V *to = (V *)(c + r * ldc + v * L);
      if (less) *to -= acc[r][v]; else if (start) *to = *(const V *)(start + v * L) + acc[r][v]; else *to = acc[r][v];
    }
}
static R panel[(I > B ? I : B) * 2 * BYTES / sizeof(R)] __attribute__((aligned(64)));
static inline __attribute__((always_inline)) void gemm(int M, int N, int K, const R *a, long ai, long ak, const R *b,
    long ldb, R *c, long ldc, const R *start, int less) {
  int j = 0;
  for (; j + 2 * L <= N; j += 2 * L) {
    for (int k = 0; k < K; k++) memcpy(panel + k * 2 * L, b + k * ldb + j, 2 * BYTES);
    for (int i = 0; i < M; i += 8)
      tile(K, a + i * ai, ai, ak, panel, 2 * L, c + i * ldc + j, ldc, start ? start + j : 0, less, 8, 2);
  }
  for (; j < N; j += L)
    for (int i = 0; i < M; i += 8)
      tile(K, a + i * ai, ai, ak, b + j, ldb, c + i * ldc + j, ldc, start ? start + j : 0, less, 8, 1);
}
#endif

void hand_run(long steps, const R *xs, const R *ys, R *w1, R *b1, R *w2, R *b2, R *losses) {
  for (long s = 0; s < steps; s++) {
    const R *x = xs + s * B * I, *y = ys + s * B * O;
#if B <= 4
    V acc[B][H / L];
    for (int r = 0; r < B; r++) for (int v = 0; v < H / L; v++) acc[r][v] = ((V *)b1)[v];
    for (int k = 0; k < I; k++) {
      int any = 0;
      for (int r = 0; r < B; r++) any |= x[r * I + k] != 0;
      if (!any) continue;
      for (int v = 0; v < H / L; v++)
        for (int r = 0; r < B; r++) acc[r][v] += x[r * I + k] * ((V *)(w1 + k * H))[v];
    }
    memcpy(h, acc, sizeof h);
#else
    gemm(B, H, I, x, I, 1, w1, H, h[0], H, b1, 0);
#endif
    for (int i = 0; i < B * H; i++) h[0][i] = 1 / (1 + (R)(sizeof(R) == 4 ? expf(-h[0][i]) : exp(-h[0][i])));
#if B <= 4
    for (int r = 0; r < B; r++) {
      V z[P / L];
      for (int v = 0; v < P / L; v++) z[v] = ((V *)b2)[v];
      for (int k = 0; k < H; k++) for (int v = 0; v < P / L; v++) z[v] += h[r][k] * ((V *)(w2 + k * P))[v];
      memcpy(g[r], z, sizeof z);
    }
#else
    gemm(B, P, H, h[0], H, 1, w2, P, g[0], P, b2, 0);
#endif
    R loss = 0;
    for (int r = 0; r < B; r++) {
      R top = g[r][0], sum = 0, own = 0;
      for (int j = 1; j < O; j++) top = g[r][j] > top ? g[r][j] : top;
      for (int j = 0; j < O; j++) { own += y[r * O + j] * (g[r][j] - top); g[r][j] = expf(g[r][j] - top); sum += g[r][j]; }
      loss += logf(sum) - own;
      for (int j = 0; j < O; j++) g[r][j] = (g[r][j] / sum - y[r * O + j]) * (R)(0.01 / B);
    }
    losses[s] = loss / B;
    for (int k = 0; k < H; k++) for (int j = 0; j < O; j++) t2[j][k] = w2[k * P + j];
    for (int r = 0; r < B; r++)
      for (int k = 0; k < H; k++) {
        R sum = 0;
        for (int j = 0; j < O; j++) sum += g[r][j] * t2[j][k];
        d[r][k] = sum * h[r][k] * (1 - h[r][k]);
      }
#if B <= 4
    for (int k = 0; k < H; k++)
      for (int r = 0; r < B; r++) for (int v = 0; v < P / L; v++) ((V *)(w2 + k * P))[v] -= h[r][k] * ((V *)g[r])[v];
    for (int k = 0; k < I; k++) {
      int any = 0;
      for (int r = 0; r < B; r++) any |= x[r * I + k] != 0;
      if (!any) continue;
      for (int v = 0; v < H / L; v++) {
        V w = ((V *)(w1 + k * H))[v];
        for (int r = 0; r < B; r++) w -= x[r * I + k] * ((V *)d[r])[v];
        ((V *)(w1 + k * H))[v] = w;
      }
    }
#else
    gemm(H, P, B, h[0], 1, H, g[0], P, w2, P, 0, 1);
    gemm(I, H, B, x, 1, I, d[0], H, w1, H, 0, 1);
#endif
    for (int r = 0; r < B; r++) { for (int j = 0; j < O; j++) b2[j] -= g[r][j]; for (int k = 0; k < H; k++) b1[k] -= d[r][k]; }
  }
}
