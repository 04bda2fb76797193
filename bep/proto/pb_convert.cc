#include "bep/proto/pb_convert.hh"

#include <utility>
#include <vector>

namespace weft::proto {

std::optional<std::size_t> count_entries(base::Bytes bytes, std::uint32_t field) {
  WireReader reader(bytes);
  std::size_t count = 0;
  for (WireField entry; reader.next(entry);)
    if (entry.number == field) ++count;
  if (!reader.ok()) return std::nullopt;
  return count;
}

bool vector_is_bounded(base::Bytes bytes) {
  constexpr std::uint32_t kCounters = 1;
  const auto count = count_entries(bytes, kCounters);
  return count.has_value() && *count <= kCountersMax;
}

std::optional<VersionVector> from_pb(const bep::Vector& vector) {
  std::vector<VersionVector::Counter> counters;
  counters.reserve(static_cast<std::size_t>(vector.counters_size()));
  for (const bep::Counter& counter : vector.counters())
    counters.push_back({counter.id(), counter.value()});
  return VersionVector::from_counters(std::move(counters));
}

void to_pb(const VersionVector& version, bep::Vector& out) {
  for (const VersionVector::Counter& counter : version.counters()) {
    bep::Counter& to = *out.add_counters();
    to.set_id(counter.id);
    to.set_value(counter.value);
  }
}

}  // namespace weft::proto
