/* Calls every kernel on numbers that it makes itself, and prints the outcome: the same on every CPU, up to rounding. */
#include "../../../src/sentiment_transfer/model/packed/kernels.c"
#include <stdio.h>

static uint32_t state = 1;
static float drawn(void) { /* in [-1, 1), the same everywhere */
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / 8388608.0f - 1.0f;
}
static bf16 *halves(i64 n) {
    bf16 *made = malloc(n * sizeof(bf16));
    for (i64 i = 0; i < n; i++) made[i] = narrow(drawn());
    return made;
}
static float *floats(i64 n) {
    float *made = malloc(n * sizeof(float));
    for (i64 i = 0; i < n; i++) made[i] = drawn();
    return made;
}
static void show(const char *name, const bf16 *x, i64 n) {
    printf("%s", name);
    for (i64 i = 0; i < n; i++) printf(" %.6g", wide(x[i]));
    printf("\n");
}
static void show_floats(const char *name, const float *x, i64 n) {
    printf("%s", name);
    for (i64 i = 0; i < n; i++) printf(" %.6g", x[i]);
    printf("\n");
}

int main(void) {
    enum { HEADS = 2, WIDTH = 48, HIDDEN = HEADS * WIDTH, ROWS = 1 + 17 + 40, WIDE = 4 * HIDDEN };
    const i64 starts[] = {0, 1, 18, ROWS};
    const Shape shape = {3, HEADS, WIDTH, HIDDEN, HIDDEN, HIDDEN, 40, 0.144337567f};
    const uint32_t tenth = 429496730u;
    bf16 *q = halves(ROWS * HIDDEN), *k = halves(ROWS * HIDDEN), *v = halves(ROWS * HIDDEN), *g = halves(ROWS * HIDDEN);
    bf16 *u = halves(ROWS * WIDE), *du = halves(ROWS * WIDE);
    float *bq = floats(HIDDEN), *bk = floats(HIDDEN), *bv = floats(HIDDEN), *bu = floats(WIDE), *sums = floats(WIDE);
    bf16 *out = halves(ROWS * HIDDEN), *gq = halves(ROWS * HIDDEN), *gk = halves(ROWS * HIDDEN);
    bf16 *gv = halves(ROWS * HIDDEN), *z = halves(ROWS * HIDDEN), *activated = halves(ROWS * WIDE);
    float lse[ROWS * HEADS], mean[ROWS], rstd[ROWS], gw[HIDDEN] = {0}, gb[HIDDEN] = {0}, gy[HIDDEN] = {0}, masks[256];
    attend(&shape, starts, starts, q, k, v, bq, bk, bv, out, lse, 7, tenth);
    show("context", out, ROWS * HIDDEN);
    show_floats("lse", lse, ROWS * HEADS);
    attend_backward(&shape, starts, starts, q, k, v, bq, bk, bv, lse, g, gq, gk, gv, 7, tenth);
    show("grad_query", gq, ROWS * HIDDEN);
    show("grad_key", gk, ROWS * HIDDEN);
    show("grad_value", gv, ROWS * HIDDEN);
    add_norm(ROWS, HIDDEN, q, k, bq, bk, bv, 1e-5f, z, out, mean, rstd, 3, tenth);
    show("norm", out, ROWS * HIDDEN);
    show("norm_input", z, ROWS * HIDDEN);
    show_floats("mean", mean, ROWS);
    show_floats("rstd", rstd, ROWS);
    add_norm_backward(ROWS, HIDDEN, g, z, mean, rstd, bk, gq, gk, gw, gb, gy, 3, tenth);
    show("grad_residual", gq, ROWS * HIDDEN);
    show("grad_y", gk, ROWS * HIDDEN);
    show_floats("grad_weight", gw, HIDDEN);
    show_floats("grad_norm_bias", gb, HIDDEN);
    show_floats("grad_bias", gy, HIDDEN);
    gelu(ROWS, WIDE, u, bu, activated);
    show("gelu", activated, ROWS * WIDE);
    gelu_backward(ROWS, WIDE, u, bu, du, sums);
    show("grad_gelu", du, ROWS * WIDE);
    show_floats("grad_gelu_bias", sums, WIDE);
    mask(256, masks, 5, tenth);
    show_floats("mask", masks, 256);
    return 0;
}
