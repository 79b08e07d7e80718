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

}
