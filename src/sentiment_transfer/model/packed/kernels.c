/* What lies between the matrix products of an encoder layer, each in one pass over memory: attention inside reviews of
 * a packed row, dropout + residual + layer norm, GELU. bf16 in and out, fp32 inside; float gradients of vectors.
 *
 * Dropout draws no numbers: whether an element is kept is a hash of the call's seed and the element's place, so the
 * backward pass knows the mask without having stored it. Plain C with vector extensions: any compiler for any CPU.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <omp.h>

typedef uint16_t bf16;
typedef int64_t i64;
typedef float v16 __attribute__((vector_size(64), aligned(4)));

static inline float wide(bf16 x) {
    union { uint32_t i; float f; } u = {(uint32_t)x << 16};
    return u.f;
}

static inline bf16 narrow(float x) { /* round to nearest even; no NaN reaches the parameters: the loss is looked at */
    union { float f; uint32_t i; } u = {x};
    return (u.i + 0x7fff + ((u.i >> 16) & 1)) >> 16;
}

static inline float exp_of(float x) { /* Cephes expf, relative error 2e-7 on x <= 0 */
    x = x < -87.0f ? -87.0f : x;
    float n = rintf(x * 1.44269504f), f = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    union { int32_t i; float f; } two = {((int32_t)n + 127) << 23};
    return (p * f * f + f + 1.0f) * two.f;
}

/* splitmix64's finaliser: seeds that differ by one give keys that have nothing in common. */
static inline uint64_t mixed(uint64_t seed) {
    seed += 0x9e3779b97f4a7c15u;
    seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9u;
    seed = (seed ^ (seed >> 27)) * 0x94d049bb133111ebu;
    return seed ^ (seed >> 31);
}

/* lowbias32 (Wellons), keyed between its rounds; kept where it reaches the threshold rate * 2^32. */
static inline float kept(uint32_t place, uint64_t seed, uint32_t threshold) {
    uint32_t x = place + (uint32_t)seed;
    x ^= x >> 16; x *= 0x7feb352du;
    x ^= (uint32_t)(seed >> 32);
    x ^= x >> 15; x *= 0x846ca68bu;
    x ^= x >> 16; x *= 0x7feb352du;
    x ^= x >> 15;
    return x >= threshold ? 1.0f : 0.0f;
}

/* row *= scale, and by 0 or 1 where there is dropout. */
static inline void drop(float *row, i64 n, float scale, uint32_t place, uint64_t seed, uint32_t threshold) {
    if (threshold) {
#pragma omp simd
        for (i64 j = 0; j < n; j++) row[j] *= scale * kept(place + (uint32_t)j, seed, threshold);
    } else {
#pragma omp simd
        for (i64 j = 0; j < n; j++) row[j] *= scale;
    }
}

/* C[M][N] = A * B in fp32; A[m][k] is a[m * am + k * ak], N a multiple of 16. */
#define EACH(i, n) _Pragma("GCC unroll 8") for (int i = 0; i < n; i++)
#define TILE(ROWS, COLS)                                                                                               \
    do {                                                                                                               \
        v16 sum[ROWS][COLS], row[COLS];                                                                                \
        EACH(r, ROWS) EACH(s, COLS) sum[r][s] = (v16){0};                                                              \
        const float *at = a + m * am, *bt = b + n;                                                                     \
        for (i64 k = 0; k < K; k++, at += ak, bt += ldb) {                                                             \
            EACH(s, COLS) row[s] = *(const v16 *)(bt + 16 * s);                                                        \
            EACH(r, ROWS) EACH(s, COLS) sum[r][s] += at[r * am] * row[s];                                              \
        }                                                                                                              \
        EACH(r, ROWS) EACH(s, COLS) *(v16 *)(c + (m + r) * ldc + n + 16 * s) = sum[r][s];                              \
    } while (0)

static void product(i64 M, i64 N, i64 K, const float *a, i64 am, i64 ak, const float *b, i64 ldb, float *c, i64 ldc) {
    for (i64 n = 0; n < N;) {
        i64 wide_tile = N - n >= 64 ? 64 : 16, m = 0;
        if (wide_tile == 64) {
            for (; m + 6 <= M; m += 6) TILE(6, 4);
            for (; m + 2 <= M; m += 2) TILE(2, 4);
            for (; m < M; m++) TILE(1, 4);
        } else {
            for (; m + 8 <= M; m += 8) TILE(8, 1);
            for (; m + 4 <= M; m += 4) TILE(4, 1);
            for (; m < M; m++) TILE(1, 1);
        }
        n += wide_tile;
    }
}

typedef struct { i64 reviews, heads, width, query_stride, key_stride, out_stride, longest; float scale; } Shape;

static i64 padded(i64 length) { return (length + 15) & ~(i64)15; }

static void load(float *to, i64 ld, const bf16 *from, i64 stride, i64 rows, i64 width, const float *bias, float scale) {
    for (i64 i = 0; i < rows; i++)
        for (i64 d = 0; d < width; d++)
            to[i * ld + d] = (wide(from[i * stride + d]) + (bias ? bias[d] : 0.0f)) * scale;
}

typedef uint16_t h16 __attribute__((vector_size(32), aligned(2)));
typedef uint32_t u16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t s16 __attribute__((vector_size(64), aligned(4)));

static inline v16 wide16(const bf16 *from) {
    u16 bits = __builtin_convertvector(*(const h16 *)from, u16) << 16;
    union { u16 i; v16 f; } u = {bits};
    return u.f;
}

/* Rows i and i + STEP of a block exchange the halves of every 2 * STEP columns that lie off the diagonal. */
#define EXCHANGE(STEP)                                                                                                 \
    do {                                                                                                               \
        s16 low, high;                                                                                                 \
        EACH16(j) { low[j] = j & STEP ? 16 + j - STEP : j; high[j] = j & STEP ? 16 + j : j + STEP; }                   \
        EACH16(i) if (!(i & STEP)) {                                                                                   \
            v16 a = block[i], b = block[i + STEP];                                                                     \
            block[i] = __builtin_shuffle(a, b, low);                                                                   \
            block[i + STEP] = __builtin_shuffle(a, b, high);                                                           \
        }                                                                                                              \
    } while (0)
#define EACH16(i) _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++)

/* to (width, ld): columns from rows on are 0, as far as a multiple of 16. */
static void load_transposed(float *to, i64 ld, const bf16 *from, i64 stride, i64 rows, i64 width, const float *bias) {
#if defined(__AVX512F__) && defined(__GNUC__) && !defined(__clang__)
    for (i64 i0 = 0; i0 < rows; i0 += 16)
        for (i64 d0 = 0; d0 < width; d0 += 16) {
            const v16 more = *(const v16 *)(bias + d0);
            v16 block[16];
            EACH16(i) block[i] = i0 + i < rows ? wide16(from + (i0 + i) * stride + d0) + more : (v16){0};
            EXCHANGE(8);
            EXCHANGE(4);
            EXCHANGE(2);
            EXCHANGE(1);
            EACH16(d) *(v16 *)(to + (d0 + d) * ld + i0) = block[d];
        }
#else
    for (i64 d = 0; d < width; d++) memset(to + d * ld, 0, ld * sizeof(float));
    for (i64 i = 0; i < rows; i++)
        for (i64 d = 0; d < width; d++) to[d * ld + i] = wide(from[i * stride + d]) + bias[d];
#endif
}

static void store(bf16 *to, i64 stride, const float *from, i64 ld, i64 rows, i64 width, float scale) {
    for (i64 i = 0; i < rows; i++) for (i64 d = 0; d < width; d++) to[i * stride + d] = narrow(from[i * ld + d] * scale);
}

/* Place of (query, head, key 0) in the hash's space: 2^32 places, wrapping around after that. */
static inline uint32_t place_of(i64 query, i64 head, const Shape *s) {
    return (uint32_t)((query * s->heads + head) * padded(s->longest));
}

/* Attention of queries to the keys of the same review. query_starts, key_starts: (reviews + 1) int64 rows.
 * The biases of the three, (heads * width), are added here: matrix products without one take less time.
 * out (queries, heads * width); lse (queries, heads): log of the sum of exponentials, for the backward pass. */
void attend(const Shape *s, const i64 *query_starts, const i64 *key_starts, const bf16 *query, const bf16 *key,
            const bf16 *value, const float *query_bias, const float *key_bias, const float *value_bias, bf16 *out,
            float *lse, uint64_t seed, uint32_t threshold) {
    const float keep_scale = 4294967296.0f / (4294967296.0f - threshold);
    seed = mixed(seed);
    const i64 w = s->width, most = padded(s->longest);
#pragma omp parallel
    {
        float *room = aligned_alloc(64, sizeof(float) * (4 * most * w + most * most));
        float *q = room, *kt = q + most * w, *v = kt + most * w, *o = v + most * w, *p = o + most * w;
#pragma omp for collapse(2) schedule(dynamic, 4)
        for (i64 r = 0; r < s->reviews; r++)
            for (i64 h = 0; h < s->heads; h++) {
                const i64 q0 = query_starts[r], M = query_starts[r + 1] - q0;
                const i64 k0 = key_starts[r], L = key_starts[r + 1] - k0, P = padded(L);
                load(q, w, query + q0 * s->query_stride + h * w, s->query_stride, M, w, query_bias + h * w, s->scale);
                load_transposed(kt, P, key + k0 * s->key_stride + h * w, s->key_stride, L, w, key_bias + h * w);
                load(v, w, value + k0 * s->key_stride + h * w, s->key_stride, L, w, value_bias + h * w, 1.0f);
                product(M, P, w, q, w, 1, kt, P, p, P);
                for (i64 i = 0; i < M; i++) {
                    float *row = p + i * P, top = -INFINITY, sum = 0.0f;
                    for (i64 j = L; j < P; j++) row[j] = -INFINITY; /* no key: exp_of gives nothing */
#pragma omp simd reduction(max : top)
                    for (i64 j = 0; j < P; j++) top = row[j] > top ? row[j] : top;
#pragma omp simd reduction(+ : sum)
                    for (i64 j = 0; j < P; j++) sum += row[j] = exp_of(row[j] - top);
                    lse[(q0 + i) * s->heads + h] = top + logf(sum);
                    drop(row, P, keep_scale / sum, place_of(q0 + i, h, s), seed, threshold);
                }
                product(M, w, L, p, P, 1, v, w, o, w);
                store(out + q0 * s->out_stride + h * w, s->out_stride, o, w, M, w, 1.0f);
            }
        free(room);
    }
}

/* row: scores, becomes dropped probabilities; grad: of those, becomes that of the scores; all (n), probability room.
 * What softmax takes off each gradient is summed here in fp32: from grad and out, as it is often had, it would carry
 * bf16's rounding of out into all gradients of the row alike. */
static inline void unscore(float *row, float *grad, float *probability, i64 n, float log_sum, float scale,
                           uint32_t place, uint64_t seed, uint32_t threshold) {
    float dot = 0.0f;
    if (threshold) {
#pragma omp simd reduction(+ : dot)
        for (i64 j = 0; j < n; j++) {
            float p = exp_of(row[j] - log_sum), m = scale * kept(place + (uint32_t)j, seed, threshold);
            probability[j] = p;
            row[j] = p * m;
            dot += grad[j] *= p * m;
        }
    } else {
#pragma omp simd reduction(+ : dot)
        for (i64 j = 0; j < n; j++) {
            probability[j] = row[j] = exp_of(row[j] - log_sum);
            dot += grad[j] *= row[j];
        }
    }
#pragma omp simd
    for (i64 j = 0; j < n; j++) grad[j] -= probability[j] * dot;
}

/* Gradients of query, key and value, in the layout of each, from grad of out. Rows outside reviews are left alone. */
void attend_backward(const Shape *s, const i64 *query_starts, const i64 *key_starts, const bf16 *query, const bf16 *key,
                     const bf16 *value, const float *query_bias, const float *key_bias, const float *value_bias,
                     const float *lse, const bf16 *grad, bf16 *grad_query, bf16 *grad_key, bf16 *grad_value,
                     uint64_t seed, uint32_t threshold) {
    const float keep_scale = 4294967296.0f / (4294967296.0f - threshold);
    seed = mixed(seed);
    const i64 w = s->width, most = padded(s->longest);
#pragma omp parallel
    {
        float *room = aligned_alloc(64, sizeof(float) * (6 * most * w + 2 * most * most + most));
        float *q = room, *k = q + most * w, *kt = k + most * w, *vt = kt + most * w, *g = vt + most * w;
        float *back = g + most * w, *p = back + most * w, *dp = p + most * most, *chance = dp + most * most;
#pragma omp for collapse(2) schedule(dynamic, 4)
        for (i64 r = 0; r < s->reviews; r++)
            for (i64 h = 0; h < s->heads; h++) {
                const i64 q0 = query_starts[r], M = query_starts[r + 1] - q0;
                const i64 k0 = key_starts[r], L = key_starts[r + 1] - k0, P = padded(L);
                const i64 at_query = q0 * s->query_stride + h * w, at_key = k0 * s->key_stride + h * w;
                const i64 at_out = q0 * s->out_stride + h * w;
                load(q, w, query + at_query, s->query_stride, M, w, query_bias + h * w, s->scale);
                load(k, w, key + at_key, s->key_stride, L, w, key_bias + h * w, 1.0f);
                load_transposed(kt, P, key + at_key, s->key_stride, L, w, key_bias + h * w);
                load_transposed(vt, P, value + at_key, s->key_stride, L, w, value_bias + h * w);
                load(g, w, grad + at_out, s->out_stride, M, w, NULL, 1.0f);
                product(M, P, w, q, w, 1, kt, P, p, P);
                product(M, P, w, g, w, 1, vt, P, dp, P);
                for (i64 i = 0; i < M; i++)
                    unscore(p + i * P, dp + i * P, chance, L, lse[(q0 + i) * s->heads + h], keep_scale,
                            place_of(q0 + i, h, s), seed, threshold);
                product(M, w, L, dp, P, 1, k, w, back, w);
                store(grad_query + at_query, s->query_stride, back, w, M, w, s->scale);
                product(L, w, M, dp, 1, P, q, w, back, w);
                store(grad_key + at_key, s->key_stride, back, w, L, w, 1.0f);
                product(L, w, M, p, 1, P, g, w, back, w);
                store(grad_value + at_key, s->key_stride, back, w, L, w, 1.0f);
            }
        free(room);
    }
}

/* z = residual + dropout(y + y_bias) and out = norm(z), all (rows, n); mean and rstd (rows). */
void add_norm(i64 rows, i64 n, const bf16 *residual, const bf16 *y, const float *y_bias, const float *weight,
              const float *bias, float eps, bf16 *z, bf16 *out, float *mean, float *rstd, uint64_t seed,
              uint32_t threshold) {
    const float scale = 4294967296.0f / (4294967296.0f - threshold);
    seed = mixed(seed);
#pragma omp parallel for schedule(static)
    for (i64 i = 0; i < rows; i++) {
        const bf16 *ri = residual + i * n, *yi = y + i * n;
        bf16 *zi = z + i * n, *oi = out + i * n;
        float sum = 0.0f, squares = 0.0f;
        const uint32_t place = (uint32_t)(i * n);
        if (threshold) {
#pragma omp simd
            for (i64 j = 0; j < n; j++)
                zi[j] = narrow(wide(ri[j]) +
                               scale * kept(place + (uint32_t)j, seed, threshold) * (wide(yi[j]) + y_bias[j]));
        } else {
#pragma omp simd
            for (i64 j = 0; j < n; j++) zi[j] = narrow(wide(ri[j]) + wide(yi[j]) + y_bias[j]);
        }
#pragma omp simd reduction(+ : sum)
        for (i64 j = 0; j < n; j++) sum += wide(zi[j]);
        const float mu = sum / n;
#pragma omp simd reduction(+ : squares)
        for (i64 j = 0; j < n; j++) { float d = wide(zi[j]) - mu; squares += d * d; }
        const float r = 1.0f / sqrtf(squares / n + eps);
#pragma omp simd
        for (i64 j = 0; j < n; j++) oi[j] = narrow((wide(zi[j]) - mu) * r * weight[j] + bias[j]);
        mean[i] = mu;
        rstd[i] = r;
    }
}

/* Sums over rows are added up in blocks of BLOCK rows, and the blocks in their order: the same bits at every call and
 * for every number of threads. */
#define BLOCK 64
static i64 blocks_of(i64 rows) { return (rows + BLOCK - 1) / BLOCK; }

/* to (n) += the rows of sums (blocks, stride), the first n of each, in order; called by all threads of a team. */
static void add_blocks(float *to, const float *sums, i64 blocks, i64 stride, i64 n) {
#pragma omp for schedule(static)
    for (i64 tile = 0; tile < n; tile += BLOCK) {
        const i64 end = tile + BLOCK < n ? tile + BLOCK : n;
        for (i64 b = 0; b < blocks; b++)
            for (i64 j = tile; j < end; j++) to[j] += sums[b * stride + j];
    }
}

/* From grad of out: grad_z (that of the residual), grad_y (through the dropout), and sums over the rows of weight's,
 * bias's and y's gradients, each (n), added to what is there. */
void add_norm_backward(i64 rows, i64 n, const bf16 *grad, const bf16 *z, const float *mean, const float *rstd,
                       const float *weight, bf16 *grad_z, bf16 *grad_y, float *grad_weight, float *grad_bias,
                       float *grad_y_sum, uint64_t seed, uint32_t threshold) {
    const float scale = 4294967296.0f / (4294967296.0f - threshold);
    const i64 blocks = blocks_of(rows);
    float *sums = calloc(3 * n * blocks, sizeof(float));
    seed = mixed(seed);
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (i64 block = 0; block < blocks; block++) {
            float *gw = sums + 3 * n * block, *gb = gw + n, *gy = gb + n;
            const i64 end = (block + 1) * BLOCK < rows ? (block + 1) * BLOCK : rows;
            for (i64 i = block * BLOCK; i < end; i++) {
                const bf16 *gi = grad + i * n, *zi = z + i * n;
                bf16 *gzi = grad_z + i * n, *gyi = grad_y + i * n;
                const float mu = mean[i], r = rstd[i];
                float a = 0.0f, b = 0.0f;
#pragma omp simd reduction(+ : a, b)
                for (i64 j = 0; j < n; j++) {
                    float g = wide(gi[j]), x = (wide(zi[j]) - mu) * r;
                    gw[j] += g * x;
                    gb[j] += g;
                    a += g * weight[j];
                    b += g * weight[j] * x;
                }
                a /= n;
                b /= n;
                const uint32_t place = (uint32_t)(i * n);
#pragma omp simd
                for (i64 j = 0; j < n; j++) {
                    float x = (wide(zi[j]) - mu) * r, d = r * (wide(gi[j]) * weight[j] - a - x * b);
                    float m = threshold ? scale * kept(place + (uint32_t)j, seed, threshold) : 1.0f;
                    gzi[j] = narrow(d);
                    gyi[j] = narrow(d * m);
                    gy[j] += d * m;
                }
            }
        }
        add_blocks(grad_weight, sums, blocks, 3 * n, n);
        add_blocks(grad_bias, sums + n, blocks, 3 * n, n);
        add_blocks(grad_y_sum, sums + 2 * n, blocks, 3 * n, n);
    }
    free(sums);
}

/* What dropout multiplies by: 0, or 1 / (1 - rate). */
void mask(i64 count, float *out, uint64_t seed, uint32_t threshold) {
    const float scale = 4294967296.0f / (4294967296.0f - threshold);
    seed = mixed(seed);
#pragma omp parallel for simd schedule(static)
    for (i64 i = 0; i < count; i++) out[i] = scale * kept((uint32_t)i, seed, threshold);
}

/* Exact GELU: erf by Abramowitz and Stegun 7.1.26, absolute error 1.5e-7. */
static inline float normal_cdf(float x, float density) { /* density: exp(-x * x / 2) */
    float t = 1.0f / (1.0f + 0.3275911f * 0.70710678f * fabsf(x));
    float tail = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    float upper = 0.5f * tail * density;
    return x < 0.0f ? upper : 1.0f - upper;
}

/* out = GELU(x + bias), all (rows, n). */
void gelu(i64 rows, i64 n, const bf16 *x, const float *bias, bf16 *out) {
#pragma omp parallel for schedule(static)
    for (i64 i = 0; i < rows; i++) {
        const bf16 *xi = x + i * n;
        bf16 *oi = out + i * n;
#pragma omp simd
        for (i64 j = 0; j < n; j++) {
            float v = wide(xi[j]) + bias[j];
            oi[j] = narrow(v * normal_cdf(v, exp_of(-0.5f * v * v)));
        }
    }
}

/* grad_x (rows, n), in place of grad, and its sum over the rows (n), added to what is there. */
void gelu_backward(i64 rows, i64 n, const bf16 *x, const float *bias, bf16 *grad, float *grad_sum) {
    const i64 blocks = blocks_of(rows);
    float *sums = calloc(n * blocks, sizeof(float));
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (i64 block = 0; block < blocks; block++) {
            float *sum = sums + n * block;
            const i64 end = (block + 1) * BLOCK < rows ? (block + 1) * BLOCK : rows;
            for (i64 i = block * BLOCK; i < end; i++) {
                const bf16 *xi = x + i * n;
                bf16 *gi = grad + i * n;
#pragma omp simd
                for (i64 j = 0; j < n; j++) {
                    float v = wide(xi[j]) + bias[j], density = exp_of(-0.5f * v * v);
                    float g = wide(gi[j]) * (normal_cdf(v, density) + v * 0.39894228f * density);
                    gi[j] = narrow(g);
                    sum[j] += g;
                }
            }
        }
        add_blocks(grad_sum, sums, blocks, n, n);
    }
    free(sums);
}
