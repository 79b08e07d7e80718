// The values of gradbench.py's evaluations, as one writes them in C++.
#include <algorithm>
#include <cmath>
#include <vector>

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double minor(const double* a, long n, long row, const std::vector<long>& columns) {
    if (columns.size() == 1) return a[row * n + columns[0]];
    double total = 0;
    for (size_t k = 0; k < columns.size(); ++k) {
        std::vector<long> rest = columns;
        rest.erase(rest.begin() + k);
        const double term = a[row * n + columns[k]] * minor(a, n, row + 1, rest);
        total += k % 2 ? -term : term;
    }
    return total;
}

// `squares` is what a triangular factor makes of a point's way from a mean: scale on its diagonal, and what is below.
template <typename Squares>
double mixture(const double* alphas, const double* means, const double* factors, const double* points, long n, long d,
               long k, Squares squares) {
    const long width = d * (d + 1) / 2;
    std::vector<double> from(d), terms(k), scale(k * d), begin(k);
    const auto logsumexp = [&](const double* x) {
        const double most = *std::max_element(x, x + k);
        double sum = 0;
        for (long c = 0; c < k; ++c) sum += std::exp(x[c] - most);
        return most + std::log(sum);
    };
    double total = 0;
    for (long c = 0; c < k; ++c) {
        const double* factor = factors + c * width;
        begin[c] = alphas[c];
        for (long j = 0; j < d; ++j) {
            begin[c] += factor[j];
            scale[c * d + j] = std::exp(factor[j]);
            total += scale[c * d + j] * scale[c * d + j] / 2;
        }
        for (long j = d; j < width; ++j) total += factor[j] * factor[j] / 2;
    }
    for (long i = 0; i < n; ++i) {
        for (long c = 0; c < k; ++c) {
            for (long j = 0; j < d; ++j) from[j] = points[i * d + j] - means[c * d + j];
            terms[c] = begin[c] - squares(&scale[c * d], factors + c * width + d, from.data()) / 2;
        }
        total += logsumexp(terms.data());
    }
    return total - n * logsumexp(alphas);
}

// A hand's vertices, a row for each axis: `skin` adds up what the bones make of them.
const long VERTICES = 544;

struct Frame { double at[4][4]; };

Frame operator*(const Frame& a, const Frame& b) {
    Frame made;
    for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) {
            made.at[i][j] = 0;
            for (int k = 0; k < 4; ++k) made.at[i][j] += a.at[i][k] * b.at[k][j];
        }
    return made;
}

template <typename Skin>
std::vector<double> posed(const double* theta, const double* relatives, const double* inverses, Skin skin) {
    const int bones = 22;
    const long size = VERTICES;
    Frame absolutes[bones], transforms[bones];
    for (int bone = 0; bone < bones; ++bone) {
        const int finger = (bone - 2) / 4, joint = (bone - 2) % 4, parent = bone < 2 ? bone - 1 : joint ? bone - 1 : 1;
        double angles[3] = {0, 0, 0};
        if (bone >= 2 && joint < 3) {
            angles[0] = theta[6 + 4 * finger + (joint ? joint + 1 : 0)];
            if (!joint) angles[1] = theta[7 + 4 * finger];
        }
        const double a = std::cos(angles[0]), b = std::cos(angles[1]), c = std::cos(angles[2]);
        const double s = std::sin(angles[0]), t = std::sin(angles[1]), u = std::sin(angles[2]);
        const Frame turn = {{{b * c, s * t * c - a * u, a * t * c + s * u, 0},
                             {b * u, s * t * u + a * c, a * t * u - s * c, 0},
                             {-t, s * b, a * b, 0},
                             {0, 0, 0, 1}}};
        Frame relative, inverse;
        std::copy(relatives + 16 * bone, relatives + 16 * bone + 16, &relative.at[0][0]);
        std::copy(inverses + 16 * bone, inverses + 16 * bone + 16, &inverse.at[0][0]);
        absolutes[bone] = parent < 0 ? relative * turn : absolutes[parent] * (relative * turn);
        transforms[bone] = absolutes[bone] * inverse;
    }
    std::vector<double> skinned(3 * size), vertices(3 * size);
    skin(transforms, bones, skinned.data());
    const double angle = std::sqrt(theta[0] * theta[0] + theta[1] * theta[1] + theta[2] * theta[2]);
    const double x = theta[0] / angle, y = theta[1] / angle, z = theta[2] / angle;
    const double s = std::sin(angle), c = std::cos(angle), d = 1 - c;
    const double turn[3][3] = {{x * x * d + c, x * y * d - z * s, x * z * d + y * s},
                               {x * y * d + z * s, y * y * d + c, y * z * d - x * s},
                               {x * z * d - y * s, y * z * d + x * s, z * z * d + c}};
    for (int i = 0; i < 3; ++i)
        for (long v = 0; v < size; ++v)
            vertices[i * size + v] = turn[i][0] * skinned[v] + turn[i][1] * skinned[size + v] +
                                     turn[i][2] * skinned[2 * size + v] + theta[3 + i];
    return vertices;
}

std::vector<double> posed_by_rows(const double* theta, const double* relatives, const double* inverses,
                                  const double* base, const double* weights) {
    const long size = VERTICES;
    return posed(theta, relatives, inverses, [=](const Frame* transforms, int bones, double* __restrict__ sum) {
        for (int bone = 0; bone < bones; ++bone)
            for (int i = 0; i < 3; ++i) {
                const double* by = transforms[bone].at[i];
                for (long v = 0; v < size; ++v)
                    sum[i * size + v] += weights[bone * size + v] * (by[0] * base[v] + by[1] * base[size + v] +
                                                                     by[2] * base[2 * size + v] +
                                                                     by[3] * base[3 * size + v]);
            }
    });
}

// The same with a column for each vertex, and with what a bone makes of all of them before it is weighed.
std::vector<double> posed_by_columns(const double* theta, const double* relatives, const double* inverses,
                                     const double* columns, const double* weights) {
    const long size = VERTICES;
    return posed(theta, relatives, inverses, [=](const Frame* transforms, int bones, double* sum) {
        std::vector<double> made(4 * size);
        for (int bone = 0; bone < bones; ++bone) {
            for (int i = 0; i < 4; ++i)
                for (long v = 0; v < size; ++v) {
                    made[4 * v + i] = transforms[bone].at[i][0] * columns[4 * v];
                    for (int j = 1; j < 4; ++j) made[4 * v + i] += transforms[bone].at[i][j] * columns[4 * v + j];
                }
            for (long v = 0; v < size; ++v)
                for (int i = 0; i < 3; ++i) sum[i * size + v] += made[4 * v + i] * weights[bones * v + bone];
        }
    });
}
double against_vertices(const double* vertices, const double* points, double* errors, const long* which, long n) {
    double total = 0;
    for (int i = 0; i < 3; ++i)
        for (long p = 0; p < n; ++p) {
            errors[i * n + p] = points[i * n + p] - vertices[i * VERTICES + which[p]];
            total += errors[i * n + p];
        }
    return total;
}

double against_triangles(const double* vertices, const double* u, const double* points, const long* corners,
                         double* errors, const long* which, long n) {
    double total = 0;
    for (int i = 0; i < 3; ++i) {
        const double* from = vertices + i * VERTICES;
        for (long p = 0; p < n; ++p) {
            const long* corner = corners + 3 * which[p];
            const double a = u[2 * p], b = u[2 * p + 1];
            errors[i * n + p] = points[i * n + p] - (a * from[corner[0]] + b * from[corner[1]] +
                                                     (1 - a - b) * from[corner[2]]);
            total += errors[i * n + p];
        }
    }
    return total;
}

}  // namespace

extern "C" {

double lstm(const double* main, const double* extra, const double* state, const double* sequence, long steps) {
    const int width = 14;
    std::vector<double> states(state, state + 4 * width), h(width);
    double total = 0;
    for (long t = 1; t < steps; ++t) {
        for (int j = 0; j < width; ++j) h[j] = sequence[(t - 1) * width + j] * extra[j];
        for (int layer = 0; layer < 4; layer += 2) {
            const double *weight = main + layer * 4 * width, *bias = weight + 4 * width;
            double *hidden = &states[layer * width], *cell = hidden + width;
            for (int j = 0; j < width; ++j) {
                const double forget = sigmoid(h[j] * weight[j] + bias[j]);
                const double fresh = sigmoid(hidden[j] * weight[width + j] + bias[width + j]);
                const double out = sigmoid(h[j] * weight[2 * width + j] + bias[2 * width + j]);
                const double change = std::tanh(hidden[j] * weight[3 * width + j] + bias[3 * width + j]);
                cell[j] = cell[j] * forget + fresh * change;
                hidden[j] = out * std::tanh(cell[j]);
            }
            std::copy(hidden, hidden + width, h.begin());
        }
        double sum = 2;
        for (int j = 0; j < width; ++j) {
            h[j] = h[j] * extra[width + j] + extra[2 * width + j];
            sum += std::exp(h[j]);
        }
        for (int j = 0; j < width; ++j) total += sequence[t * width + j] * (h[j] - std::log(sum));
    }
    return -total / (width * (steps - 1));
}

double det(const double* a, long n) {
    std::vector<long> columns(n);
    for (long i = 0; i < n; ++i) columns[i] = i;
    return minor(a, n, 0, columns);
}

double ode(const double* start, const double* rates, long n) {
    const long steps = 100;
    const double h = 1.0 / steps;
    std::vector<double> u(start, start + n), slope(n), at(n), sum(n);
    const auto derive = [&](const std::vector<double>& y) {
        slope[0] = rates[0];
        for (long i = 1; i < n; ++i) slope[i] = rates[i] * y[i - 1];
    };
    for (long step = 0; step < steps; ++step) {
        derive(u);
        for (long i = 0; i < n; ++i) sum[i] = slope[i], at[i] = u[i] + h / 2 * slope[i];
        derive(at);
        for (long i = 0; i < n; ++i) sum[i] += 2 * slope[i], at[i] = u[i] + h / 2 * slope[i];
        derive(at);
        for (long i = 0; i < n; ++i) sum[i] += 2 * slope[i], at[i] = u[i] + h * slope[i];
        derive(at);
        for (long i = 0; i < n; ++i) u[i] += h / 6 * (sum[i] + slope[i]);
    }
    return u[n - 1];
}

double lse(const double* x, long n) {
    const double most = *std::max_element(x, x + n);
    double sum = 0;
    for (long i = 0; i < n; ++i) sum += std::exp(x[i] - most);
    return most + std::log(sum);
}

double llsq(const double* x, const double* t, long n, long m) {
    double total = 0;
    for (long i = 0; i < n; ++i) {
        double rest = (t[i] > 0) - (t[i] < 0), power = 1;
        for (long j = 0; j < m; ++j) rest -= x[j] * power, power *= t[i];
        total += rest * rest;
    }
    return total / 2;
}

// The same with the power of each term called for: as GradBench's own program has it.
double llsq_powers(const double* x, const double* t, long n, long m) {
    double total = 0;
    for (long i = 0; i < n; ++i) {
        double rest = (t[i] > 0) - (t[i] < 0);
        for (long j = 0; j < m; ++j) rest -= x[j] * std::pow(t[i], static_cast<double>(j));
        total += rest * rest;
    }
    return total / 2;
}

double kmeans(const double* centroids, const double* points, long n, long d, long k) {
    double total = 0;
    for (long i = 0; i < n; ++i) {
        double least = INFINITY;
        for (long c = 0; c < k; ++c) {
            double distance = 0;
            for (long j = 0; j < d; ++j) {
                const double by = points[i * d + j] - centroids[c * d + j];
                distance += by * by;
            }
            least = std::min(least, distance);
        }
        total += least;
    }
    return total;
}

double gmm(const double* alphas, const double* means, const double* factors, const double* points, long n, long d,
           long k) {
    return mixture(alphas, means, factors, points, n, d, k, [d](const double* scale, const double* below,
                                                                const double* from) {
        double squares = 0;
        for (long j = 0; j < d; ++j) {
            double y = scale[j] * from[j];
            for (long l = 0; l < j; ++l) y += *below++ * from[l];
            squares += y * y;
        }
        return squares;
    });
}

// The same with factors that are kept, and added up, column by column: as GradBench's own program has it.
double gmm_columns(const double* alphas, const double* means, const double* factors, const double* points, long n,
                   long d, long k) {
    const long width = d * (d + 1) / 2;
    std::vector<double> to(d), turned(factors, factors + k * width);
    for (long c = 0; c < k; ++c) {
        double* below = &turned[c * width + d];
        for (long l = 0; l < d; ++l)
            for (long j = l + 1; j < d; ++j) *below++ = factors[c * width + d + j * (j - 1) / 2 + l];
    }
    return mixture(alphas, means, turned.data(), points, n, d, k, [d, &to](const double* scale, const double* below,
                                                                     const double* from) {
        double* __restrict__ y = to.data();
        for (long j = 0; j < d; ++j) y[j] = scale[j] * from[j];
        for (long l = 0; l < d; ++l)
            for (long j = l + 1; j < d; ++j) y[j] += *below++ * from[l];
        double squares = 0;
        for (long j = 0; j < d; ++j) squares += y[j] * y[j];
        return squares;
    });
}

double ba(const double* cameras, const double* points, const double* weights, const double* seen, const long* which,
          long n) {
    double total = 0;
    for (long i = 0; i < n; ++i) {
        const double *camera = cameras + 11 * which[2 * i], *point = points + 3 * which[2 * i + 1], *turn = camera;
        const double square = turn[0] * turn[0] + turn[1] * turn[1] + turn[2] * turn[2], angle = std::sqrt(square);
        double from[3], at[3];
        for (int j = 0; j < 3; ++j) from[j] = point[j] - camera[3 + j];
        const double c = std::cos(angle), s = std::sin(angle) / angle;
        const double along = (turn[0] * from[0] + turn[1] * from[1] + turn[2] * from[2]) * (1 - c) / square;
        for (int j = 0; j < 3; ++j) {
            const int k = (j + 1) % 3, l = (j + 2) % 3;
            at[j] = from[j] * c + (turn[k] * from[l] - turn[l] * from[k]) * s + turn[j] * along;
        }
        const double x = at[0] / at[2], y = at[1] / at[2], far = x * x + y * y;
        const double bent = (1 + camera[9] * far + camera[10] * far * far) * camera[6];
        total += weights[i] * (x * bent + camera[7] - seen[2 * i]);
        total += weights[i] * (y * bent + camera[8] - seen[2 * i + 1]);
    }
    return total;
}

double ht(const double* theta, const double* relatives, const double* inverses, const double* base,
          const double* weights, const double* points, double* errors, const long* which, long n) {
    const std::vector<double> vertices = posed_by_rows(theta, relatives, inverses, base, weights);
    return against_vertices(vertices.data(), points, errors, which, n);
}

// The same where vertices, and their weights, are columns: as GradBench's own program has them.
double ht_columns(const double* theta, const double* relatives, const double* inverses, const double* base,
                  const double* weights, const double* points, double* errors, const long* which, long n) {
    const std::vector<double> vertices = posed_by_columns(theta, relatives, inverses, base, weights);
    return against_vertices(vertices.data(), points, errors, which, n);
}

double ht_triangles(const double* theta, const double* u, const double* relatives, const double* inverses,
                    const double* base, const double* weights, const double* points, const long* corners,
                    double* errors, const long* which, long n) {
    const std::vector<double> vertices = posed_by_rows(theta, relatives, inverses, base, weights);
    return against_triangles(vertices.data(), u, points, corners, errors, which, n);
}

double ht_triangles_columns(const double* theta, const double* u, const double* relatives, const double* inverses,
                            const double* base, const double* weights, const double* points, const long* corners,
                            double* errors, const long* which, long n) {
    const std::vector<double> vertices = posed_by_columns(theta, relatives, inverses, base, weights);
    return against_triangles(vertices.data(), u, points, corners, errors, which, n);
}

}
