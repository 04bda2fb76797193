// Metric families gathered in the order they are first named. Includes prometheus-cpp: for metrics.cc only.
#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::api {

using Labels = std::initializer_list<std::pair<const char*, std::string_view>>;

class MetricBook {
 public:
  template <typename Number>
  void gauge(const char* name, const char* help, Labels labels, Number value) {
    metric(name, help, prometheus::MetricType::Gauge, labels).gauge.value = static_cast<double>(value);
  }
  template <typename Number>
  void counter(const char* name, const char* help, Labels labels, Number value) {
    metric(name, help, prometheus::MetricType::Counter, labels).counter.value = static_cast<double>(value);
  }
  // `counts[i]`: of at most `bounds[i]`, one more than bounds for the rest; not added up.
  template <typename Bounds, typename Counts>
  void histogram(const char* name, const char* help, Labels labels, const Bounds& bounds, const Counts& counts, double sum) {
    auto& made = metric(name, help, prometheus::MetricType::Histogram, labels).histogram;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      made.sample_count += counts[i];
      const bool last = i == bounds.size();
      made.bucket.push_back({made.sample_count, last ? std::numeric_limits<double>::infinity() : bounds[i]});
    }
    made.sample_sum = sum;
  }
  [[nodiscard]] const std::vector<prometheus::MetricFamily>& families() const { return families_; }

 private:
  prometheus::ClientMetric& metric(const char* name, const char* help, prometheus::MetricType type, Labels labels) {
    prometheus::MetricFamily& family = find(name, help, type);
    prometheus::ClientMetric& made = family.metric.emplace_back();
    for (const auto& [key, value] : labels) made.label.push_back({key, std::string(value)});
    return made;
  }
  prometheus::MetricFamily& find(const char* name, const char* help, prometheus::MetricType type) {
    for (prometheus::MetricFamily& family : families_)
      if (family.name == name) return family;
    prometheus::MetricFamily& made = families_.emplace_back();
    made.name = name;
    made.help = help;
    made.type = type;
    return made;
  }

  std::vector<prometheus::MetricFamily> families_;   // a few dozen: searching them costs nothing
};

}  // namespace weft::api
