// hnswlib (Debian: libhnswlib-dev) on a file of vectors: M 16, ef_construction 200, cosine of normalised vectors as
// inner product. One thread searches. Usage: hnswlib_bench BASE.fvecs QUERY.fvecs THREADS EF...
// Prints JSON: {"build":s,"bytes":n,"points":[{"ef":n,"recall":x,"qps":x},...]}
#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int K = 10;
constexpr int Rounds = 3;

double Since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Vectors {
    int dimensions = 0;
    std::vector<float> values;
    const float* operator[](size_t i) const { return &values[i * dimensions]; }
    size_t size() const { return values.size() / dimensions; }
};

Vectors Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    Vectors read;
    for (int dimensions; file.read(reinterpret_cast<char*>(&dimensions), 4);) {
        if (dimensions <= 0 || (read.dimensions != 0 && read.dimensions != dimensions)) {
            std::fprintf(stderr, "%s is not a file of vectors (fvecs)\n", path.c_str());
            std::exit(2);
        }
        read.dimensions = dimensions;
        const size_t at = read.values.size();
        read.values.resize(at + dimensions);
        file.read(reinterpret_cast<char*>(&read.values[at]), 4 * static_cast<std::streamsize>(dimensions));
        float norm = 0;
        for (int i = 0; i < dimensions; i++) norm += read.values[at + i] * read.values[at + i];
        for (int i = 0; i < dimensions && norm > 0; i++) read.values[at + i] /= std::sqrt(norm);
    }
    if (read.dimensions == 0) {
        std::fprintf(stderr, "%s cannot be read\n", path.c_str());
        std::exit(2);
    }
    return read;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::fprintf(stderr, "usage: hnswlib_bench BASE.fvecs QUERY.fvecs THREADS EF...\n");
        return 2;
    }
    const Vectors base = Read(argv[1]);
    const Vectors queries = Read(argv[2]);
    const int threads = std::atoi(argv[3]);

    hnswlib::InnerProductSpace space(base.dimensions);
    std::vector<std::set<size_t>> nearest(queries.size());
    for (size_t q = 0; q < queries.size(); q++) {
        std::vector<std::pair<float, size_t>> all(base.size());
        for (size_t i = 0; i < base.size(); i++) {
            all[i] = {space.get_dist_func()(queries[q], base[i], space.get_dist_func_param()), i};
        }
        std::partial_sort(all.begin(), all.begin() + std::min<size_t>(K, all.size()), all.end());
        for (size_t i = 0; i < std::min<size_t>(K, all.size()); i++) nearest[q].insert(all[i].second);
    }

    hnswlib::HierarchicalNSW<float> index(&space, base.size(), 16, 200);
    const auto start = Clock::now();
    std::atomic<size_t> next{0};
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; t++) {
        workers.emplace_back([&] {
            for (size_t i; (i = next++) < base.size();) index.addPoint(base[i], i);
        });
    }
    for (auto& worker : workers) worker.join();
    std::printf("{\"build\":%.3f,\"bytes\":%zu,\"points\":[", Since(start), index.max_elements_ * index.size_data_per_element_);

    for (int a = 4; a < argc; a++) {
        const size_t ef = std::strtoul(argv[a], nullptr, 10);
        index.setEf(ef);
        double best = 1e30;
        size_t found = 0;
        for (int round = 0; round < Rounds; round++) {
            found = 0;
            const auto begin = Clock::now();
            for (size_t q = 0; q < queries.size(); q++) {
                for (auto hits = index.searchKnn(queries[q], K); !hits.empty(); hits.pop()) {
                    found += nearest[q].count(hits.top().second);
                }
            }
            best = std::min(best, Since(begin));
        }
        std::printf("%s{\"ef\":%zu,\"recall\":%.5f,\"qps\":%.1f}", a == 4 ? "" : ",", ef, found / (double(K) * queries.size()), queries.size() / best);
        std::fflush(stdout);
    }
    std::printf("]}\n");
}
