#include "tests/unit/nic/eal_environment.hh"

#include <memory>

namespace weft::nic::test {
namespace {

class EalEnvironment : public testing::Environment {
 public:
  void TearDown() override {
    if (eal_) eal_->unregister_thread();
    eal_.reset();
  }
  Eal& get() {
    if (!eal_) {
      EalConfig config;
      config.memory_mb = 192;
      config.huge_pages = false;
      auto started = Eal::start(config);
      if (!started) {
        std::fprintf(stderr, "the EAL did not start: %s\n", started.error().text);
        std::abort();
      }
      eal_ = std::move(*started);
      if (!eal_->register_thread()) std::abort();
    }
    return *eal_;
  }

 private:
  std::unique_ptr<Eal> eal_;
};

EalEnvironment* const environment = static_cast<EalEnvironment*>(
    testing::AddGlobalTestEnvironment(new EalEnvironment));   // gtest owns it

}  // namespace

Eal& eal() { return environment->get(); }

}  // namespace weft::nic::test
