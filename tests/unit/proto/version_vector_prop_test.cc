// Random vectors against a map from id to value.
#include "bep/proto/version_vector.hh"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

using Model = std::map<ShortId, std::uint64_t>;

std::uint64_t at(const Model& model, ShortId id) {
  const auto found = model.find(id);
  return found == model.end() ? 0 : found->second;
}

Ordering compare(const Model& a, const Model& b) {
  bool greater = false, lesser = false, greater_first = false;
  Model both = a;
  both.insert(b.begin(), b.end());
  for (const auto& [id, unused] : both) {
    if (at(a, id) == at(b, id)) continue;
    if (!greater && !lesser) greater_first = at(a, id) > at(b, id);
    (at(a, id) > at(b, id) ? greater : lesser) = true;
  }
  if (greater && lesser)
    return greater_first ? Ordering::kConcurrentGreater : Ordering::kConcurrentLesser;
  return greater ? Ordering::kGreater : lesser ? Ordering::kLesser : Ordering::kEqual;
}

Ordering opposite(Ordering ordering) {
  switch (ordering) {
    case Ordering::kEqual: return Ordering::kEqual;
    case Ordering::kGreater: return Ordering::kLesser;
    case Ordering::kLesser: return Ordering::kGreater;
    case Ordering::kConcurrentGreater: return Ordering::kConcurrentLesser;
    case Ordering::kConcurrentLesser: return Ordering::kConcurrentGreater;
  }
  return Ordering::kEqual;
}

void expect_same(const VersionVector& version, const Model& model) {
  std::vector<VersionVector::Counter> wanted;
  for (const auto& [id, value] : model)
    if (value > 0) wanted.push_back({id, value});
  const auto counters = version.counters();
  EXPECT_TRUE(std::equal(counters.begin(), counters.end(), wanted.begin(), wanted.end()));
}

TEST(VersionVectorProp, BehavesLikeAMap) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    base::Prng prng(seed);
    std::array<VersionVector, 3> versions;
    std::array<Model, 3> models;
    for (int step = 0; step < 40; ++step) {
      const std::size_t i = prng.below(3), j = prng.below(3);
      const ShortId id = 1 + prng.below(4);
      switch (prng.below(4)) {
        case 0: {
          const std::uint64_t now = prng.below(6);
          versions[i].update(id, now);
          models[i][id] = std::max(at(models[i], id) + 1, now);
          break;
        }
        case 1:
          versions[i].merge(versions[j]);
          for (const auto& [other, value] : Model(models[j]))
            models[i][other] = std::max(at(models[i], other), value);
          break;
        case 2: {
          versions[i] = versions[j];
          models[i] = Model(models[j]);
          break;
        }
        default:
          if (!prng.chance(4)) break;
          versions[i].keep_only(id);
          std::erase_if(models[i], [id](const auto& entry) { return entry.first != id; });
          break;
      }
      expect_same(versions[i], models[i]);
      const Ordering ordering = versions[i].compare(versions[j]);
      EXPECT_EQ(ordering, compare(models[i], models[j]));
      EXPECT_EQ(versions[j].compare(versions[i]), opposite(ordering));
    }
  }
}

TEST(VersionVectorProp, SurvivesItsWireForm) {
  base::Prng prng(11);
  for (int i = 0; i < 200; ++i) {
    VersionVector version;
    for (std::uint32_t n = prng.below(8); n > 0; --n) version.update(prng.next(), prng.next());
    test::Buffer bytes;
    encode_version(version, bytes);
    EXPECT_EQ(decode_version(bytes).value(), version);
  }
}

}  // namespace
}  // namespace weft::proto
